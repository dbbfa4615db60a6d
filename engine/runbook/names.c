/* The words of every enum of this room, both ways. */
#include "engine/runbook/names.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *text_of(const char *const *texts, size_t count, unsigned value)
{
    return value < count && texts[value] ? texts[value] : "?";
}

static bool value_of(const char *const *texts, size_t count, const char *text, unsigned *value)
{
    for (unsigned i = 0; text && i < count; i++)
        if (str_eq(texts[i], text)) {
            *value = i;
            return true;
        }
    return false;
}

static const char *const kind_texts[] = {
#define X(name, text, acts, by_reference) [STEP_##name] = (text),
    STEP_KINDS(X)
#undef X
};
static const char *const confirm_texts[] = {
#define X(name, text) [CONFIRM_##name] = (text),
    STEP_CONFIRMS(X)
#undef X
};
static const char *const scope_texts[] = {
#define X(name, text) [SCOPE_##name] = (text),
    STEP_SCOPES(X)
#undef X
};
static const char *const onfail_texts[] = {
#define X(name, text) [ONFAIL_##name] = (text),
    STEP_ONFAILS(X)
#undef X
};
static const char *const outcome_texts[] = {
#define X(name, text) [OUTCOME_##name] = (text),
    RUN_OUTCOMES(X)
#undef X
};
static const char *const role_texts[] = {
#define X(name, text) [ROLE_##name] = (text),
    RUN_ROLES(X)
#undef X
};
static const char *const end_texts[] = {
#define X(name, text) [END_##name] = (text),
    RUN_ENDS(X)
#undef X
};
static const char *const input_texts[] = {
#define X(name, text) [INPUT_##name] = (text),
    RUN_INPUTS(X)
#undef X
};
static const char *const choice_texts[] = {
#define X(name, text, help) [CHOICE_##name] = (text),
    RUN_CHOICES(X)
#undef X
};
static const char *const choice_helps[] = {
#define X(name, text, help) [CHOICE_##name] = (help),
    RUN_CHOICES(X)
#undef X
};
static const char *const ask_texts[] = {
#define X(name, text) [ASK_##name] = (text),
    RUN_ASKS(X)
#undef X
};
static const char *const phase_texts[] = {
#define X(name, text) [PHASE_##name] = (text),
    RUN_PHASES(X)
#undef X
};

bool step_kind_acts(enum step_kind kind)
{
    return kind == STEP_ACTION || kind == STEP_ROLLBACK;
}

bool step_kind_by_reference(enum step_kind kind)
{
    return kind == STEP_VERIFY || kind == STEP_EVIDENCE || kind == STEP_ROLLBACK;
}

bool run_role_acts(enum run_role role)
{
    return role == ROLE_ACT || role == ROLE_ROLLBACK;
}

const char *step_kind_text(enum step_kind kind)
{
    return text_of(kind_texts, COUNT(kind_texts), kind);
}

const char *step_confirm_text(enum step_confirm confirm)
{
    return text_of(confirm_texts, COUNT(confirm_texts), confirm);
}

const char *step_scope_text(enum step_scope scope)
{
    return text_of(scope_texts, COUNT(scope_texts), scope);
}

const char *run_outcome_text(enum run_outcome outcome)
{
    return text_of(outcome_texts, COUNT(outcome_texts), outcome);
}

const char *run_role_text(enum run_role role)
{
    return text_of(role_texts, COUNT(role_texts), role);
}

const char *run_end_text(enum run_end end)
{
    return text_of(end_texts, COUNT(end_texts), end);
}

const char *run_input_text(enum run_input_kind kind)
{
    return text_of(input_texts, COUNT(input_texts), kind);
}

const char *run_choice_text(enum run_choice choice)
{
    return text_of(choice_texts, COUNT(choice_texts), choice);
}

const char *run_choice_help(enum run_choice choice, const struct step *what, const struct run_step *step)
{
    if (step->ask == ASK_WHEN && choice == CHOICE_CONTINUE)
        return "do it all the same";
    if (step->phase == PHASE_EVIDENCE && choice == CHOICE_CONTINUE)
        return "run it without that evidence";
    if (step->phase == PHASE_EVIDENCE && choice == CHOICE_RETRY)
        return "save its evidence again, then run it";
    if (what->items && choice == CHOICE_RETRY)
        return "from its page again: only the items that are not ok";
    if (what->rungs && choice == CHOICE_RETRY)
        return "from its page again: on from the rung in effect";
    return text_of(choice_helps, COUNT(choice_helps), choice);
}

const char *run_ask_text(enum run_ask ask)
{
    return text_of(ask_texts, COUNT(ask_texts), ask);
}

const char *run_phase_text(enum run_phase phase)
{
    return text_of(phase_texts, COUNT(phase_texts), phase);
}

bool step_kind_parse(const char *text, enum step_kind *value)
{
    unsigned found;
    if (!value_of(kind_texts, COUNT(kind_texts), text, &found))
        return false;
    *value = found;
    return true;
}

bool step_confirm_parse(const char *text, enum step_confirm *value)
{
    unsigned found;
    if (!value_of(confirm_texts, COUNT(confirm_texts), text, &found))
        return false;
    *value = found;
    return true;
}

bool step_scope_parse(const char *text, enum step_scope *value)
{
    unsigned found;
    if (!value_of(scope_texts, COUNT(scope_texts), text, &found))
        return false;
    *value = found;
    return true;
}

bool step_onfail_parse(const char *text, enum step_onfail *value)
{
    unsigned found;
    if (!value_of(onfail_texts, COUNT(onfail_texts), text, &found))
        return false;
    *value = found;
    return true;
}

bool run_outcome_parse(const char *text, enum run_outcome *value)
{
    unsigned found;
    if (!value_of(outcome_texts, COUNT(outcome_texts), text, &found))
        return false;
    *value = found;
    return true;
}

bool run_end_parse(const char *text, enum run_end *value)
{
    unsigned found;
    if (!value_of(end_texts, COUNT(end_texts), text, &found))
        return false;
    *value = found;
    return true;
}

bool run_input_kind_parse(const char *text, enum run_input_kind *value)
{
    unsigned found;
    if (!value_of(input_texts, COUNT(input_texts), text, &found))
        return false;
    *value = found;
    return true;
}

bool run_choice_parse(const char *text, enum run_choice *value)
{
    unsigned found;
    if (!value_of(choice_texts, COUNT(choice_texts), text, &found))
        return false;
    *value = found;
    return true;
}
