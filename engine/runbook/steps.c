#include "engine/runbook/steps.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "engine/runbook/block.h"
#include "engine/runbook/names.h"
#include "engine/runbook/plain.h"
#include "engine/runbook/run.h"

#define NAME_LIMIT 64

static const char *const shell_languages[] = {"sh", "shell", "bash", "zsh", "console", "shell-session"};

bool language_is_shell(const char *language)
{
    for (size_t i = 0; i < sizeof shell_languages / sizeof *shell_languages; i++)
        if (strcasecmp(shell_languages[i], language) == 0)
            return true;
    return false;
}

static const char *note_value(const struct annotations *notes, const char *key)
{
    const struct annotation *note = annotations_find(notes, key);
    return note ? note->value : NULL;
}

static bool truthy(const char *text)
{
    return str_eq(text, "1") || (text && strcasecmp(text, "true") == 0) || str_eq(text, "t");
}

/* ---- What a block is ---- */

static bool runs_nothing(const char *text)
{
    struct block b;
    block_read(text, false, &b);
    bool nothing = b.script[strspn(b.script, " \t\n")] == '\0';
    block_fini(&b);
    return nothing;
}

/* The language is CommonMark's to say; the annotation is read as it stands. */
static void mean_language(const struct fence *f, struct annotations *notes)
{
    if (!f->meant || !strpbrk(notes->language, "&\\"))
        return;
    size_t from = strspn(f->meant, " \t"), length = strcspn(f->meant + from, " \t{");
    free(notes->language);
    notes->language = xstrndup(f->meant + from, length);
}

enum fence_use fence_use(struct reading *r, const struct fence *f, struct annotations *notes)
{
    struct err why;
    struct runbook *book = r->book;
    enum step_kind kind = STEP_ACTION;
    int code = annotations_parse(f->info, f->info_length, f->info_column, notes, &why);
    if (code)
        book_finding(book, FINDING_ERROR, f->line, notes->column, "%s", why.msg);
    else if (notes->cut)
        book_finding_strict(book, f->line, notes->column,
                            "text after the } that ends the annotation is not read: no value may hold a }");
    mean_language(f, notes);
    const struct annotation *kind_note = annotations_find(notes, "kind");
    bool shell = language_is_shell(notes->language), told = shell;
    if (kind_note && step_kind_parse(kind_note->value, &kind))
        told |= kind == STEP_MANUAL || kind == STEP_DECISION;
    told |= annotations_find(notes, "interpreter") != NULL;
    if (truthy(note_value(notes, "ignore")) || str_eq(note_value(notes, "transform"), "false"))
        return FENCE_GUIDANCE;
    if (!told) {
        if (kind_note || (book->declared && annotations_find(notes, "name")))
            book_finding_strict(book, f->line, notes->column,
                                "\"%.40s\" is no shell: it runs only with an `interpreter`", notes->language);
        return FENCE_GUIDANCE;
    }
    if (kind == STEP_MANUAL || kind == STEP_DECISION)
        return FENCE_STEP;
    if (runs_nothing(f->text)) {
        book_finding(book, FINDING_WARNING, f->line, f->info_column, "an empty block: nothing runs");
        return FENCE_GUIDANCE;
    }
    if (strlen(f->text) > RUNBOOK_SCRIPT_MAX) {
        book_finding(book, FINDING_WARNING, f->line, f->info_column,
                     "a block of more than %d KiB is shown, never run: call a script",
                     RUNBOOK_SCRIPT_MAX / 1024);
        return FENCE_GUIDANCE;
    }
    return FENCE_STEP;
}

/* ---- Names ---- */

static bool name_byte(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.';
}

/* The id is free for this step: registers it. */
static bool claim(struct reading *r, const char *id, int step)
{
    if (map_has(r->ids, id))
        return false;
    map_set(r->ids, id, (void *)(intptr_t)(step + 1));
    return true;
}

static char *numbered_id(struct reading *r, const char *slug, int step)
{
    struct str key = {0};
    str_addf(&key, "\n%s", slug); /* counters share the map: no id holds a line end */
    for (;;) {
        intptr_t n = (intptr_t)map_get(r->ids, str_text(&key)) + 1;
        map_set(r->ids, str_text(&key), (void *)n);
        char *id = xasprintf("%s-%d", slug, (int)n);
        if (claim(r, id, step)) {
            str_fini(&key);
            return id;
        }
        free(id);
    }
}

static void set_name(struct reading *r, int number, const struct annotation *note)
{
    struct step *s = &r->book->steps.data[number];
    size_t length = note ? strlen(note->value) : 0;
    bool good = length > 0 && length <= NAME_LIMIT;
    for (size_t i = 0; good && i < length; i++)
        good = name_byte(note->value[i]);
    if (note && !good)
        book_finding_strict(r->book, s->line, note->column,
                            "a name is 1 to %d letters, digits, `-`, `_`, `.`, not \"%.70s\"", NAME_LIMIT,
                            note->value);
    if (good && claim(r, note->value, number)) {
        s->id = xstrdup(note->value);
        s->named = true;
    } else if (good) {
        book_finding_strict(r->book, s->line, note->column, "the name \"%s\" is taken already", note->value);
    }
}

/* After all authors' names are known, which come first. */
void steps_number(struct reading *r)
{
    for (size_t i = 0; i < r->book->steps.len; i++) {
        struct step *s = &r->book->steps.data[i];
        char slug[49];
        plain_slug(s->section, slug);
        if (!s->id)
            s->id = numbered_id(r, slug, (int)i);
        if (!*s->title) { /* a block that begins with blanks, a task of a colon */
            free(s->title);
            s->title = xstrdup(s->id);
        }
    }
}

/* ---- Parts of a step ---- */

static void read_answers(struct reading *r, struct step *s)
{
    int line = s->line;
    for (const char *c = s->source; *c;) {
        size_t n = strcspn(c, "\n"), at = strspn(c, " \t");
        const char *colon = memchr(c, ':', n);
        line++;
        if (at < n) {
            const char *end = colon ? colon : c;
            char *value = xstrndup(c + at, end > c + at ? (size_t)(end - c) - at : 0);
            bool taken = false;
            for (size_t i = 0; i < s->answers.len; i++)
                taken |= str_eq(s->answers.data[i].value, value);
            if (!colon || !value_is_safe(value) || strpbrk(value, ",!=") || taken || s->answers.len == 64) {
                book_finding(r->book, FINDING_ERROR, line, (int)at + 1,
                             taken ? "the answer \"%.60s\" stands there twice"
                                   : "an answer is `value: text` with a value of letters and digits, "
                                     "\"%.60s\" is not",
                             value);
                free(value);
            } else {
                size_t text = (size_t)(colon + 1 - c);
                text += strspn(c + text, " \t");
                *vec_push(&s->answers) =
                    (struct step_answer){.value = value, .text = xstrndup(c + text, text < n ? n - text : 0)};
            }
        }
        c += n + (c[n] != '\0');
    }
    if (s->answers.len == 0)
        book_finding(r->book, FINDING_ERROR, s->line, 1,
                     "a decision without answers: `value: text`, one a line");
}

static void need(struct step *s, size_t *count, int var)
{
    for (size_t i = 0; i < *count; i++)
        if (s->needs[i] == var)
            return;
    s->needs = xrealloc(s->needs, (*count + 2) * sizeof *s->needs);
    s->needs[(*count)++] = var;
    s->needs[*count] = -1;
}

#define NEEDS_LIMIT 200

/* Placeholders in the text, and what its exports ask for. */
static void read_needs(struct reading *r, struct step *s, const struct block *b)
{
    size_t count = 0, length;
    for (size_t i = 0; i < b->prompts.len && count < NEEDS_LIMIT; i++) {
        const struct block_prompt *prompt = &b->prompts.data[i];
        struct runbook_var *var = reading_var(r, prompt->name, VAR_PROMPT, s->line + 1 + prompt->line);
        if (!var->ask)
            var->ask = xstrdup(prompt->message);
        need(s, &count, reading_var_index(r, prompt->name));
    }
    for (const char *c = s->script; (c = placeholder_next(s->script, c, &length)) && count < NEEDS_LIMIT;
         c += length) {
        char *name = xstrndup(c + 1, length - 2);
        if (!r->book->declared)
            reading_var(r, name, VAR_PLACEHOLDER, s->line);
        int var = reading_var_index(r, name);
        if (var >= 0)
            need(s, &count, var);
        free(name);
    }
    if (count >= NEEDS_LIMIT)
        book_finding(r->book, FINDING_ERROR, s->line, 1, "a block that asks for %d values or more",
                     NEEDS_LIMIT);
}

static void set_interpreter(struct reading *r, struct step *s, const struct annotations *notes)
{
    const struct annotation *own = annotations_find(notes, "interpreter");
    struct err why;
    s->interpreter = interpreter_complete(own ? own->value : r->shell ? r->shell : "bash", &why);
    if (s->interpreter)
        return;
    if (own)
        book_finding(r->book, FINDING_ERROR, s->line, own->column, "%s", why.msg);
    s->interpreter = interpreter_complete("bash", &why);
}

static char *folder_below(const char *folder, const char *name)
{
    if (!name || !*name)
        return folder ? xstrdup(folder) : NULL;
    return name[0] == '/' || !folder ? xstrdup(name) : path_join(folder, name);
}

static bool names_an_export(const char *id)
{
    size_t length = strlen(id);
    return length >= 3 && isupper((unsigned char)id[0]) &&
           strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == length && name_is_exportable(id, length);
}

static void read_script(struct reading *r, struct step *s, const struct annotations *notes)
{
    const char *prompt = note_value(notes, "promptEnv");
    bool ask =
        !(str_eq(prompt, "0") || str_eq(prompt, "never") || str_eq(prompt, "no") || str_eq(prompt, "false"));
    struct block b;
    block_read(s->source, ask && language_is_shell(s->language), &b);
    if (b.dollar >= 0)
        book_finding(r->book, FINDING_WARNING, s->line, 1,
                     "a line that begins with $ runs what the variable says");
    else if (b.prompted && notes->present)
        book_finding(r->book, FINDING_WARNING, s->line, 1,
                     "lines that begin with `$ `: only they run, the others are taken for output");
    s->script = b.script;
    s->expected = b.expected;
    s->carries = b.carries;
    b.script = b.expected = NULL;
    b.carries = NULL;
    for (char **name = s->carries; name && *name; name++)
        map_set(r->carried, *name, r);
    read_needs(r, s, &b);
    block_fini(&b);
    set_interpreter(r, s, notes);
    s->cwd = folder_below(r->cwd, note_value(notes, "cwd"));
    if (s->named && names_an_export(s->id)) {
        s->exports = xstrdup(s->id);
        reading_var(r, s->id, VAR_OUTPUT, s->line)->output = true;
    }
}

/* What the annotations leave open. */
static void set_defaults(struct step *s, const struct annotations *notes)
{
    bool acts = step_kind_acts(s->kind);
    if (!annotations_find(notes, "confirm"))
        s->confirm = acts ? CONFIRM_YES : CONFIRM_NONE;
    s->timeout_given = annotations_find(notes, "timeout") != NULL;
    if (!s->timeout_given && !acts)
        s->timeout.ms = RUN_CHECK_LIMIT_MS;
    if (!annotations_find(notes, "every"))
        s->every.ms = RUN_POLL_EVERY_MS;
    if (!annotations_find(notes, "fresh"))
        s->fresh.ms = RUN_FRESH_MS;
    if (!annotations_find(notes, "rung-hold"))
        s->rung_hold.ms = RUN_RUNG_HOLD_MS;
}

static struct step *push(struct reading *r, int line, struct title_source *from, int *number)
{
    *number = (int)r->book->steps.len;
    struct step *s = vec_push(&r->book->steps);
    vec_push(&r->notes);
    s->line = line;
    s->section = xstrdup(from->section);
    s->title = from->title;
    s->prose = from->prose;
    s->rollback = s->undo = s->guard = STEP_NONE;
    s->minimum = s->parallel = 1;
    s->threshold = 1000000;
    return s;
}

void step_from_fence(struct reading *r, const struct fence *f, struct annotations *notes,
                     struct title_source *from)
{
    int number;
    struct step *s = push(r, f->line, from, &number);
    s->kind = STEP_ACTION;
    s->language = xstrdup(notes->language);
    s->source = xstrdup(f->text);
    r->notes.data[number] = *notes;
    *notes = (struct annotations){0};
    const struct annotations *own = &r->notes.data[number];
    if (own->list.len == 0)
        r->plain_steps++;
    set_name(r, number, annotations_find(own, "name"));
    keys_apply(r, number);
    set_defaults(s, own);
    if (s->kind == STEP_DECISION)
        read_answers(r, s);
    else if (s->kind != STEP_MANUAL)
        read_script(r, s, own);
    if (!s->expected)
        s->expected = xstrdup("");
    if (!*s->title) {
        free(s->title);
        s->title = xstrdup(s->named ? s->id : s->section);
    }
    if (!*s->title) {
        free(s->title);
        char *first = xstrndup(f->text, strcspn(f->text, "\n"));
        s->title = plain_title(first);
        free(first);
    }
}

void step_from_task(struct reading *r, int line, const char *text, struct title_source *from)
{
    int number;
    struct step *s = push(r, line, from, &number);
    s->kind = STEP_MANUAL;
    s->language = xstrdup("");
    s->expected = xstrdup("");
    s->source = xstrdup(text);
    set_name(r, number, NULL);
    set_defaults(s, &r->notes.data[number]);
}
