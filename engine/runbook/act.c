/* Acts outside runbooks: their document, and what it is when it is read back. */
#include <ctype.h>
#include <stdlib.h>

#include "engine/runbook/runbook.h"

#define TITLE_MAX  72
#define NAME_BYTES 64

/* Everything that a runbook says about a step is what the parser makes of this; only what runs is put in. */
#define SKELETON_STEP "---\n\n```bash {name=act kind=action}\n:\n```\n"

static const char *const shell[] = {"bash", "-eo", "pipefail", "-c"};

/* ---- quoting ---- */

static bool is_plain(const char *word)
{
    return word[0] && !word[strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                         "_./:,@%+=-")];
}

/* $'...' for what would break the line or can't be seen. */
static void quote_escaped(const char *word, struct str *out)
{
    str_add(out, "$'");
    for (const unsigned char *c = (const unsigned char *)word; *c; c++) {
        if (*c == '\'' || *c == '\\')
            str_addf(out, "\\%c", *c);
        else if (*c == '\n')
            str_add(out, "\\n");
        else if (*c == '\t')
            str_add(out, "\\t");
        else if (*c < 0x20 || *c == 0x7f)
            str_addf(out, "\\%03o", *c);
        else
            str_add_char(out, (char)*c);
    }
    str_add_char(out, '\'');
}

static void quote_word(const char *word, bool first, struct str *out)
{
    bool hidden = false;
    for (const unsigned char *c = (const unsigned char *)word; *c; c++)
        hidden |= *c < 0x20 || *c == 0x7f;
    /* NAME=value in front would be an assignment. */
    if (is_plain(word) && !(first && strchr(word, '='))) {
        str_add(out, word);
    } else if (hidden) {
        quote_escaped(word, out);
    } else {
        str_add_char(out, '\'');
        for (const char *c = word; *c; c++)
            str_add(out, *c == '\'' ? "'\\''" : (char[]){*c, '\0'});
        str_add_char(out, '\'');
    }
}

void runbook_act_quote(char *const *argv, struct str *out)
{
    for (size_t i = 0; argv[i]; i++) {
        if (i > 0)
            str_add_char(out, ' ');
        quote_word(argv[i], i == 0, out);
    }
}

/* ---- writing ---- */

static int check_text(const char *text, const char *what, struct err *e)
{
    size_t length = strlen(text), offset;
    if (length > RUNBOOK_SCRIPT_MAX)
        return err_set(e, ERR_RANGE, "%s is %zu bytes long; one argument has at most %d KiB", what, length,
                       RUNBOOK_SCRIPT_MAX / 1024);
    if (!utf8_valid(text, length, &offset))
        return err_set(e, ERR_RANGE,
                       "%s is not UTF-8 at byte offset %zu: the journal could not show what ran", what,
                       offset);
    return 0;
}

static int check_name(const char *pair, struct err *e)
{
    const char *equals = strchr(pair, '=');
    size_t length = equals ? (size_t)(equals - pair) : 0;
    bool fine = length > 0 && length <= NAME_BYTES && !isdigit((unsigned char)pair[0]);
    for (size_t i = 0; i < length; i++)
        fine &= isalnum((unsigned char)pair[i]) || pair[i] == '_';
    if (!fine)
        return err_set(e, ERR_USAGE, "%.80s is no NAME=VALUE: a name has letters, digits and _", pair);
    if (strlen(equals + 1) > RUNBOOK_VALUE_MAX)
        return err_set(e, ERR_RANGE, "the value of %.*s has more than %d bytes", (int)length, pair,
                       RUNBOOK_VALUE_MAX);
    return check_text(equals + 1, "a variable", e);
}

static int check_act(const struct runbook_act *act, struct err *e)
{
    int code = 0;
    bool empty =
        act->text ? !act->text[strspn(act->text, " \t\n")] : !act->argv || !act->argv[0] || !act->argv[0][0];
    if (empty)
        return err_set(e, ERR_USAGE, "there is nothing to run");
    if (act->text)
        code = check_text(act->text, "the command", e);
    for (char *const *word = act->text ? NULL : act->argv; code == 0 && word && *word; word++)
        code = check_text(*word, "an argument", e);
    for (char *const *pair = act->variables; code == 0 && pair && *pair; pair++)
        code = check_name(*pair, e);
    if (code == 0 && act->reason)
        code = check_text(act->reason, "the reason", e);
    if (code == 0 && act->cwd)
        code = check_text(act->cwd, "the current folder", e);
    return code;
}

int runbook_act_write(const struct runbook_act *act, struct str *out, struct err *e)
{
    int code = check_act(act, e);
    if (code < 0)
        return code;
    cJSON *tree = cJSON_CreateObject();
    cJSON *words = NULL, *names = NULL;
    if (act->text)
        cJSON_AddStringToObject(tree, "text", act->text);
    else
        words = cJSON_AddArrayToObject(tree, "argv");
    for (char *const *word = words ? act->argv : NULL; word && *word; word++)
        cJSON_AddItemToArray(words, cJSON_CreateString(*word));
    cJSON_AddStringToObject(tree, "reason", act->reason ? act->reason : "");
    cJSON_AddStringToObject(tree, "cwd", act->cwd ? act->cwd : "");
    if (act->interactive)
        cJSON_AddBoolToObject(tree, "interactive", true);
    names = cJSON_AddArrayToObject(tree, "variables");
    for (char *const *pair = act->variables; pair && *pair; pair++) {
        char *name = xstrndup(*pair, strcspn(*pair, "="));
        cJSON_AddItemToArray(names, cJSON_CreateString(name));
        free(name);
    }
    char *text = json_print(tree);
    str_add(out, text);
    free(text);
    cJSON_Delete(tree);
    if (out->len > RUNBOOK_BYTES_MAX)
        return err_set(e, ERR_RANGE, "the command is %zu bytes long; at most %d KiB are taken", out->len,
                       RUNBOOK_BYTES_MAX / 1024);
    return 0;
}

/* ---- reading ---- */

static char *skeleton(const cJSON *names)
{
    struct str text = {0};
    const cJSON *name;
    str_add(&text, "---\nrunbook:\n  title: act\n");
    if (cJSON_GetArraySize(names) > 0)
        str_add(&text, "  vars:\n");
    cJSON_ArrayForEach(name, names) if (cJSON_IsString(name))
        str_addf(&text, "    %s: {match: \"(.|\\n)*\"}\n", name->valuestring);
    str_add(&text, SKELETON_STEP);
    return str_take(&text);
}

static char **words_of(const cJSON *tree, const char *text)
{
    char **argv = NULL;
    const cJSON *word, *words = cJSON_GetObjectItemCaseSensitive(tree, "argv");
    for (size_t i = 0; text && i < sizeof shell / sizeof *shell; i++)
        strv_add(&argv, shell[i]);
    if (text)
        strv_add(&argv, text);
    if (!text)
        cJSON_ArrayForEach(word, words) if (cJSON_IsString(word)) strv_add(&argv, word->valuestring);
    return argv;
}

static char *title_of(const char *shown)
{
    struct str clean = {0};
    utf8_clean(&clean, shown, strlen(shown), false);
    if (clean.len > TITLE_MAX) {
        size_t length = TITLE_MAX - 3;
        while (length > 0 && ((unsigned char)clean.data[length] & 0xc0) == 0x80)
            length--;
        char *cut = xasprintf("%.*s...", (int)length, clean.data);
        str_fini(&clean);
        return cut;
    }
    return str_take(&clean);
}

static void put(char **field, const char *text)
{
    free(*field);
    *field = xstrdup(text);
}

static void fill_in(struct runbook *book, const cJSON *tree, char **argv, const char *text)
{
    struct step *step = &book->steps.data[0];
    struct str shown = {0};
    if (text)
        str_add(&shown, text);
    else
        runbook_act_quote(argv, &shown);
    char *title = title_of(str_text(&shown));
    put(&book->id, RUNBOOK_ACT_ID);
    put(&book->title, title);
    put(&step->title, title);
    put(&step->section, "");
    put(&step->source, str_text(&shown));
    put(&step->script, str_text(&shown));
    put(&step->prose, json_string(tree, "reason", ""));
    put(&step->cwd, json_string(tree, "cwd", ""));
    step->argv = argv;
    step->argv_is_script = text != NULL;
    step->interactive = json_bool(tree, "interactive", false);
    book->findings.len = 0; /* hints for authors: this has none */
    book->act = true;
    free(title);
    str_fini(&shown);
}

struct runbook *runbook_act_parse(const char *bytes, size_t length, struct err *e)
{
    cJSON *tree = json_parse(bytes, length, e);
    if (!tree)
        return NULL;
    const char *text = json_string(tree, "text", NULL);
    char *markdown = skeleton(cJSON_GetObjectItemCaseSensitive(tree, "variables"));
    char **argv = words_of(tree, text);
    struct runbook *book = NULL;
    if (!argv)
        err_set(e, ERR_SYNTAX, "an act without a command");
    else
        book = runbook_parse(RUNBOOK_ACT_ID, markdown, strlen(markdown), e);
    if (book && runbook_runnable(book, e) < 0) {
        runbook_free(book);
        book = NULL;
    }
    if (book) {
        uint8_t digest[SHA256_SIZE];
        sha256_bytes(bytes, length, digest);
        sha256_to_hex(digest, book->digest);
        for (size_t i = 0; i < book->findings.len; i++)
            free(book->findings.data[i].message);
        fill_in(book, tree, argv, text);
        argv = NULL;
    }
    strv_free(argv);
    free(markdown);
    cJSON_Delete(tree);
    return book;
}
