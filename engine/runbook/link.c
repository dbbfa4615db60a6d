/* Names into step numbers, and what only the whole document can tell: cycles, what can never run. */
#include <stdlib.h>

#include "engine/runbook/keys.h"

#define NAMES_LIMIT 64 /* of one annotation */

struct edge_kind {
    const char *key;
    unsigned targets; /* 1u << STEP_...: what it may name */
    unsigned sources; /* what may have it */
};

#define KIND(name) (1u << STEP_##name)
#define ACTING     (KIND(ACTION) | KIND(ROLLBACK))
#define CHECKLIKE  (KIND(CHECK) | KIND(VERIFY))
#define EXECUTES   (ACTING | CHECKLIKE | KIND(EVIDENCE))

static const struct edge_kind pre_kind = {"pre", CHECKLIKE, ACTING | KIND(CHECK)};
static const struct edge_kind verify_kind = {"verify", CHECKLIKE, ACTING | KIND(MANUAL)};
static const struct edge_kind evidence_kind = {"evidence", KIND(EVIDENCE), ACTING | KIND(CHECK)};
static const struct edge_kind rollback_kind = {"rollback", KIND(ROLLBACK), ACTING | KIND(MANUAL)};
static const struct edge_kind undo_kind = {"undo", ACTING, ACTING};

static const struct annotation *note_of(const struct reading *r, int number, const char *key)
{
    return annotations_find(&r->notes.data[number], key);
}

/* "a, b ,c" piece by piece; the caller frees. NULL at the end. */
static char *next_name(const char **text)
{
    *text += strspn(*text, ", \t");
    size_t n = strcspn(*text, ", \t");
    if (n == 0)
        return NULL;
    char *name = xstrndup(*text, n);
    *text += n;
    return name;
}

/* The step of a name, or STEP_NONE and a finding. */
static int resolve(struct reading *r, int from, const struct annotation *note, const char *name)
{
    struct step *s = &r->book->steps.data[from];
    int to = (int)(intptr_t)map_get(r->ids, name) - 1;
    if (to >= 0)
        return to;
    book_finding(r->book, FINDING_ERROR, s->line, note->column,
                 "%s names \"%.60s\", and there is no such step", note->key, name);
    return STEP_NONE;
}

static void add_edge(struct reading *r, int from, const struct edge_kind *kind, const struct annotation *note,
                     const char *name, struct step_list *list)
{
    struct step *s = &r->book->steps.data[from];
    int to = resolve(r, from, note, name);
    if (to == STEP_NONE)
        return;
    const struct step *target = &r->book->steps.data[to];
    if (!(kind->targets & 1u << target->kind)) {
        book_finding(r->book, FINDING_ERROR, s->line, note->column, "%s names \"%.60s\", which is of kind %s",
                     kind->key, name, step_kind_text(target->kind));
        return;
    }
    if (target->confirm != CONFIRM_NONE && !step_kind_acts(target->kind)) {
        book_finding(r->book, FINDING_ERROR, s->line, note->column,
                     "%s names \"%.60s\", which asks for a confirmation and so can't run by reference",
                     kind->key, name);
        return;
    }
    for (size_t i = 0; i < list->len; i++)
        if (list->data[i] == to)
            return;
    *vec_push(list) = to;
}

static void link_list(struct reading *r, int from, const struct edge_kind *kind, struct step_list *list)
{
    const struct annotation *note = note_of(r, from, kind->key);
    struct step *s = &r->book->steps.data[from];
    if (!note)
        return;
    if (!(kind->sources & 1u << s->kind)) {
        book_finding(r->book, FINDING_ERROR, s->line, note->column, "%s has no meaning for kind %s",
                     kind->key, step_kind_text(s->kind));
        return;
    }
    const char *text = note->value;
    char *name;
    for (int count = 0; (name = next_name(&text)); count++) {
        if (count < NAMES_LIMIT)
            add_edge(r, from, kind, note, name, list);
        else if (count == NAMES_LIMIT)
            book_finding(r->book, FINDING_ERROR, s->line, note->column, "%s names more than %d steps",
                         kind->key, NAMES_LIMIT);
        free(name);
    }
}

static int link_one(struct reading *r, int from, const struct edge_kind *kind)
{
    struct step_list list = {0};
    link_list(r, from, kind, &list);
    int to = list.len ? list.data[0] : STEP_NONE;
    if (list.len > 1)
        book_finding(r->book, FINDING_ERROR, r->book->steps.data[from].line,
                     note_of(r, from, kind->key)->column, "%s names one step", kind->key);
    vec_fini(&list);
    return to;
}

/* ---- guard ---- */

static const struct edge_kind guard_kind = {"guard", CHECKLIKE, ACTING};

static int link_guard(struct reading *r, int from)
{
    const struct annotation *note = note_of(r, from, "guard");
    struct step *s = &r->book->steps.data[from];
    struct place p = {.r = r, .number = from, .step = s, .note = note};
    if (!note)
        return STEP_NONE;
    if (!s->rungs) {
        book_finding(r->book, FINDING_ERROR, s->line, note->column, "guard belongs to rungs");
        return STEP_NONE;
    }
    int length = guard_read(&p);
    if (length < 0)
        return STEP_NONE;
    struct step_list list = {0};
    char *name = xstrndup(note->value, (size_t)length);
    add_edge(r, from, &guard_kind, note, name, &list);
    free(name);
    int to = list.len ? list.data[0] : STEP_NONE;
    vec_fini(&list);
    return to;
}

/* ---- when ---- */

static bool has_answer(const struct step *s, const char *value)
{
    for (size_t i = 0; i < s->answers.len; i++)
        if (str_eq(s->answers.data[i].value, value))
            return true;
    return false;
}

static void add_condition(struct reading *r, int from, const struct annotation *note, const char *term)
{
    struct step *s = &r->book->steps.data[from];
    struct step_condition condition = {.negated = term[0] == '!'};
    const char *name = term + condition.negated, *equals = strchr(name, '=');
    char *id = equals ? xstrndup(name, (size_t)(equals - name)) : xstrdup(name);
    condition.step = resolve(r, from, note, id);
    const struct step *target = condition.step >= 0 ? &r->book->steps.data[condition.step] : NULL;
    const char *wrong = NULL;
    if (target && condition.step >= from)
        wrong = "names a step that does not come before it";
    else if (target && equals && (condition.negated || target->kind != STEP_DECISION))
        wrong = "NAME=value asks for the answer of a decision";
    else if (target && equals && !has_answer(target, equals + 1))
        wrong = "that decision has no such answer";
    if (wrong)
        book_finding(r->book, FINDING_ERROR, s->line, note->column, "when, \"%.60s\": %s", term, wrong);
    if (target && !wrong) {
        condition.value = equals ? xstrdup(equals + 1) : NULL;
        *vec_push(&s->when) = condition;
        if (target->kind == STEP_CHECK)
            r->book->steps.data[condition.step].branches = true;
    }
    free(id);
}

static bool contradict(const struct step_condition *a, const struct step_condition *b)
{
    if (a->step != b->step)
        return false;
    return a->negated != b->negated || (a->value && b->value && !str_eq(a->value, b->value));
}

static void link_when(struct reading *r, int from)
{
    const struct annotation *note = note_of(r, from, "when");
    struct step *s = &r->book->steps.data[from];
    if (!note)
        return;
    if (step_kind_by_reference(s->kind)) {
        book_finding(r->book, FINDING_ERROR, s->line, note->column,
                     "when has no meaning for kind %s: it runs by reference", step_kind_text(s->kind));
        return;
    }
    const char *text = note->value;
    char *term;
    for (int count = 0; (term = next_name(&text)); count++) {
        if (count < NAMES_LIMIT)
            add_condition(r, from, note, term);
        else if (count == NAMES_LIMIT)
            book_finding(r->book, FINDING_ERROR, s->line, note->column, "when has more than %d terms",
                         NAMES_LIMIT);
        free(term);
    }
    for (size_t i = 0; i < s->when.len; i++)
        for (size_t j = 0; j < i; j++)
            if (contradict(&s->when.data[i], &s->when.data[j])) {
                book_finding(r->book, FINDING_WARNING, s->line, note->column,
                             "its when can never hold: this step is unreachable");
                return;
            }
}

/* ---- What only some kinds have ---- */

/* What a power needs beside it, and what it doesn't bear. Wrong is an error in any document: to leave one of
 * these out unseen would weaken it. */
static void check_powers(struct reading *r, int number)
{
    static const struct {
        const char *key;
        unsigned kinds;
        const char *needs, *clashes;
    } powers[] = {
        {"interactive", ACTING, NULL, "items"},
        {"expect", ~0u, NULL, "interactive"},
        {"lock", ACTING, NULL, NULL},
        {"approvals", ACTING, NULL, NULL},
        {"policy", EXECUTES, NULL, "interactive"},
        {"items", EXECUTES, NULL, "rungs"},
        {"minimum", EXECUTES, "items", NULL},
        {"threshold", EXECUTES, "items", NULL},
        {"parallel", EXECUTES, "items", NULL},
        {"rungs", ACTING, NULL, "interactive"},
        {"rung-hold", ACTING, "rungs", NULL},
    };
    const struct step *s = &r->book->steps.data[number];
    for (size_t i = 0; i < sizeof powers / sizeof *powers; i++) {
        const struct annotation *note = note_of(r, number, powers[i].key);
        bool off = str_eq(powers[i].key, "interactive") && !s->interactive;
        const char *clash = powers[i].clashes;
        if (!note || off)
            continue;
        if (!(powers[i].kinds & 1u << s->kind))
            book_finding(r->book, FINDING_ERROR, s->line, note->column, "%s has no meaning for kind %s",
                         note->key, step_kind_text(s->kind));
        if (powers[i].needs && !note_of(r, number, powers[i].needs))
            book_finding(r->book, FINDING_ERROR, s->line, note->column, "%s needs %s", note->key,
                         powers[i].needs);
        if (clash && note_of(r, number, clash) && (s->interactive || !str_eq(clash, "interactive")))
            book_finding(r->book, FINDING_ERROR, s->line, note->column, "%s and %s don't go together",
                         note->key, clash);
    }
    const struct annotation *policy = note_of(r, number, "policy");
    if (policy && step_kind_acts(s->kind) && !s->idempotent)
        book_finding(r->book, FINDING_ERROR, s->line, policy->column,
                     "policy repeats what failed: what acts needs idempotent=true beside it");
    if (s->interactive && s->exports)
        book_finding(
            r->book, FINDING_ERROR, s->line, note_of(r, number, "interactive")->column,
            "what is shown on a terminal can't become %s: an interactive step exports by `export` alone",
            s->exports);
    if (s->items && (s->exports || s->carries))
        book_finding(r->book, FINDING_ERROR, s->line, note_of(r, number, "items")->column,
                     "a step with items exports nothing: whose value would it be?");
}

/* What was refused above is not there for the machine either. */
static void drop(char **text)
{
    free(*text);
    *text = NULL;
}

static void drop_misplaced(struct step *s)
{
    s->interactive &= step_kind_acts(s->kind);
    if (!step_kind_acts(s->kind)) {
        strv_free(s->rungs);
        s->rungs = NULL;
        s->guard = STEP_NONE;
        s->approvals = 0;
        drop(&s->lock);
    }
    if (!s->script)
        drop(&s->policy);
    if (!s->script || s->rungs)
        drop(&s->items);
}

static void check_places(struct reading *r, int number)
{
    static const struct {
        const char *key;
        unsigned kinds;
    } places[] = {
        {"until", CHECKLIKE},
        {"every", CHECKLIKE},
        {"hold", CHECKLIKE},
        {"expect", EXECUTES},
        {"timeout", EXECUTES},
        {"fresh", ACTING | KIND(CHECK)},
        {"onfail", ~0u & ~KIND(VERIFY) & ~KIND(EVIDENCE)},
        {"scope", ACTING | KIND(MANUAL)},
        {"idempotent", ACTING},
        {"interpreter", EXECUTES},
        {"cwd", EXECUTES},
        {"follow", EXECUTES | KIND(MANUAL)},
    };
    const struct step *s = &r->book->steps.data[number];
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const struct annotation *note = note_of(r, number, places[i].key);
        if (note && !(places[i].kinds & 1u << s->kind))
            book_finding_strict(r->book, s->line, note->column, "%s has no meaning for kind %s", note->key,
                                step_kind_text(s->kind));
    }
    const struct annotation *onfail = note_of(r, number, "onfail");
    if (onfail && s->onfail == ONFAIL_ROLLBACK && s->rollback == STEP_NONE)
        book_finding(r->book, FINDING_ERROR, s->line, onfail->column,
                     "onfail=rollback, and it names no rollback");
    if (s->confirm == CONFIRM_NONE && s->kind == STEP_CHECK && (s->pre.len > 0 || s->evidence.len > 0))
        book_finding(r->book, FINDING_ERROR, s->line, 1,
                     "pre and evidence belong to a confirmation page: this check has none (confirm)");
    check_powers(r, number);
    drop_misplaced(&r->book->steps.data[number]);
    const struct annotation *confirm = note_of(r, number, "confirm");
    if (confirm && s->confirm != CONFIRM_NONE && (1u << s->kind & (KIND(VERIFY) | KIND(EVIDENCE))))
        book_finding(r->book, FINDING_ERROR, s->line, confirm->column,
                     "a %s runs by reference and can't ask: confirm has no meaning here",
                     step_kind_text(s->kind));
}

/* ---- The graph ---- */

struct graph {
    struct runbook *book;
    char *colour; /* 0 not seen, 1 on the path, 2 done */
    VEC(struct visit {
        int step;
        int edge;
    })
    path;
};

/* The edge-th step that this one runs by reference; STEP_NONE behind the last. */
static int edge_of(const struct step *s, int edge)
{
    const struct step_list *lists[] = {&s->pre, &s->verify, &s->evidence};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (edge < (int)lists[i]->len)
            return lists[i]->data[edge];
        edge -= (int)lists[i]->len;
    }
    int rest[3], count = 0;
    if (s->rollback != STEP_NONE)
        rest[count++] = s->rollback;
    if (s->undo != STEP_NONE)
        rest[count++] = s->undo;
    if (s->guard != STEP_NONE)
        rest[count++] = s->guard;
    return edge < count ? rest[edge] : STEP_NONE;
}

/* Depth first without recursion. */
static void visit(struct graph *g, int root)
{
    struct runbook *book = g->book;
    if (g->colour[root])
        return;
    g->colour[root] = 1;
    *vec_push(&g->path) = (struct visit){.step = root};
    while (g->path.len > 0) {
        struct visit *top = &g->path.data[g->path.len - 1];
        int from = top->step, to = edge_of(&book->steps.data[from], top->edge++);
        if (to == STEP_NONE) {
            g->colour[from] = 2;
            g->path.len--;
        } else if (g->colour[to] == 1) {
            book_finding(book, FINDING_ERROR, book->steps.data[from].line, 1,
                         "a cycle: \"%.60s\" leads back to \"%.60s\"", book->steps.data[from].id,
                         book->steps.data[to].id);
        } else if (g->colour[to] == 0) {
            g->colour[to] = 1;
            *vec_push(&g->path) = (struct visit){.step = to};
        }
    }
}

static void check_graph(struct reading *r)
{
    struct runbook *book = r->book;
    struct graph g = {.book = book, .colour = xcalloc(book->steps.len + 1, 1)};
    for (size_t i = 0; i < book->walk.len; i++)
        visit(&g, book->walk.data[i]);
    for (size_t i = 0; i < book->steps.len; i++) {
        const struct step *s = &book->steps.data[i];
        if (g.colour[i] == 0) {
            book_finding(book, FINDING_WARNING, s->line, 1,
                         "nothing refers to \"%.60s\": a %s runs by reference only", s->id,
                         step_kind_text(s->kind));
            visit(&g, (int)i);
        }
    }
    vec_fini(&g.path);
    free(g.colour);
}

void link_steps(struct reading *r)
{
    struct runbook *book = r->book;
    for (int i = 0; i < (int)book->steps.len; i++) {
        struct step *s = &book->steps.data[i];
        if (!step_kind_by_reference(s->kind)) {
            *vec_push(&book->walk) = i;
            s->place = (int)book->walk.len;
        }
        link_list(r, i, &pre_kind, &s->pre);
        link_list(r, i, &verify_kind, &s->verify);
        link_list(r, i, &evidence_kind, &s->evidence);
        s->rollback = link_one(r, i, &rollback_kind);
        s->undo = link_one(r, i, &undo_kind);
        s->guard = link_guard(r, i);
        link_when(r, i);
        check_places(r, i);
    }
    for (int i = 0; i < (int)book->steps.len; i++) {
        int undoers[] = {book->steps.data[i].rollback, book->steps.data[i].undo};
        for (int k = 0; k < 2; k++)
            if (undoers[k] != STEP_NONE && (k == 0 || undoers[1] != undoers[0]))
                *vec_push(&book->steps.data[undoers[k]].undoes) = i;
    }
    check_graph(r);
}
