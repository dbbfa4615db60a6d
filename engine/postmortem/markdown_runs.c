#include <stdlib.h>

#include "engine/postmortem/export.h"
#include "engine/postmortem/text.h"

#define COMMAND_LINES  60
#define EVIDENCE_LINES 12

/* "act, attempt 2: failed, exit 1, 12s, by alice" */
static void add_execution_line(const struct story_step *step, const struct story_execution *x,
                               struct str *out)
{
    const cJSON *result = x->result;
    str_add(out, "- ");
    text_markdown(out, x->role);
    if (*json_string(result, "part", "")) {
        str_add(out, ", ");
        text_markdown(out, json_string(result, "part", ""));
    }
    if (x->attempt > 1)
        str_addf(out, ", attempt %lld", (long long)x->attempt);
    str_add(out, ": ");
    text_markdown(out, story_execution_word(step, x));
    if (cJSON_GetObjectItemCaseSensitive(result, "exit"))
        str_addf(out, ", exit %lld", (long long)json_int(result, "exit", 0));
    if (cJSON_GetObjectItemCaseSensitive(result, "signal"))
        str_addf(out, ", signal %lld", (long long)json_int(result, "signal", 0));
    if (cJSON_GetObjectItemCaseSensitive(result, "ms")) {
        str_add(out, ", took ");
        text_duration(out, json_int(result, "ms", 0) * US_PER_MS);
    }
    if (*json_string(result, "text", "")) {
        str_add(out, ", ");
        text_markdown(out, json_string(result, "text", ""));
    }
    str_add(out, " (began ");
    text_time(out, x->intent_us ? x->intent_us : x->outcome_us);
    if (x->acts) {
        str_add(out, ", by ");
        text_markdown(out, x->who);
    }
    str_add(out, ")\n");
}

static void add_env(const cJSON *env, struct str *command)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, env)
    {
        if (cJSON_IsString(item) && item->string && cJSON_IsObject(env))
            str_addf(command, "%s=%s\n", item->string, item->valuestring);
        else if (cJSON_IsString(item))
            str_addf(command, "%s\n", item->valuestring);
    }
}

/* The intent, or what a rehearsal would have run. */
static const cJSON *command_of(const struct story_execution *x)
{
    return x->intent ? x->intent : cJSON_GetObjectItemCaseSensitive(x->result, "would_run");
}

/* The exact command: environment, then argv. */
static void add_command(const struct story_execution *x, struct str *out)
{
    struct str command = {0};
    const cJSON *intent = command_of(x), *argv = cJSON_GetObjectItemCaseSensitive(intent, "argv");
    add_env(cJSON_GetObjectItemCaseSensitive(intent, "env"), &command);
    text_command(&command, argv);
    str_add(out, "\n");
    text_fence(out, str_text(&command), command.len, COMMAND_LINES);
    const char *where = json_string(intent, "where", ""), *cwd = json_string(intent, "cwd", "");
    if (*where || *cwd) {
        str_add(out, "\nWhere: ");
        text_markdown(out, *where ? where : "");
        if (*cwd) {
            str_add(out, *where ? ", in " : "in ");
            text_markdown(out, cwd);
        }
        str_add(out, "\n");
    }
    str_fini(&command);
}

static void add_outputs(const struct story_execution *x, struct str *out)
{
    static const char *const streams[] = {"stdout", "stderr"};
    for (size_t i = 0; i < 2; i++) {
        const cJSON *output = cJSON_GetObjectItemCaseSensitive(x->result, streams[i]);
        const char *first = json_string(output, "first", "");
        if (!*first)
            continue;
        str_addf(out, "\n%s, ", streams[i]);
        text_bytes(out, json_int(output, "bytes", 0));
        str_add(out, ":\n\n");
        text_fence(out, first, strlen(first), EVIDENCE_LINES);
    }
    const cJSON *recording = cJSON_GetObjectItemCaseSensitive(x->result, "recording");
    if (recording) {
        str_add(out, "\nOn the operator's terminal; its recording, ");
        text_bytes(out, json_int(recording, "bytes", 0));
        str_addf(out, ", asciicast v2: `belay evidence %.12s -o FILE`\n",
                 json_string(recording, "digest", ""));
    }
}

static void add_step(const struct story_step *step, struct str *out)
{
    str_add(out, "#### ");
    text_markdown(out, step->title);
    str_add(out, ": ");
    text_markdown(out, story_step_word(step));
    str_add(out, "\n\n");
    if (step->reason && *step->reason) {
        text_markdown(out, step->reason);
        str_add(out, "\n\n");
    }
    if (step->answer && *step->answer) {
        str_add(out, "Answer: ");
        text_markdown(out, step->answer);
        str_add(out, "\n\n");
    }
    const cJSON *shown = NULL;
    for (size_t i = 0; i < step->executions.len; i++) {
        const struct story_execution *x = &step->executions.data[i];
        const cJSON *argv = cJSON_GetObjectItemCaseSensitive(command_of(x), "argv");
        add_execution_line(step, x, out);
        if (argv &&
            !(shown && cJSON_Compare(argv, shown, true))) /* once for all attempts with the same command */
            add_command(x, out);
        shown = argv ? argv : shown;
        if (x->acts || i + 1 == step->executions.len)
            add_outputs(x, out);
        str_add(out, "\n");
    }
}

static void add_run_head(const struct story_run *run, struct str *out)
{
    str_addf(out, "### %s %lld: ", run->rehearsed ? "REHEARSAL, run" : "Run", (long long)run->number);
    text_markdown(out, run->title ? run->title : "");
    str_add(out, ": ");
    text_markdown(out, run->outcome && *run->outcome ? run->outcome : "not ended");
    str_add(out, "\n\n");
    if (run->rehearsed)
        str_add(out,
                "A rehearsal: nothing was run and nothing changed. Its outcomes were made up, the commands "
                "are what would have run.\n\n");
    str_add(out, "Started ");
    text_time(out, run->started_us);
    str_add(out, " by ");
    text_markdown(out, run->who ? run->who : "");
    if (run->ended_us) {
        str_add(out, ", ended ");
        text_time(out, run->ended_us);
        str_add(out, " after ");
        text_duration(out, run->ended_us - run->started_us);
    }
    str_add(out, ".");
    if (run->entity && *run->entity) {
        str_add(out, " For ");
        text_markdown(out, run->entity);
        str_add(out, ".");
    }
    if (run->path && *run->path) {
        str_add(out, " Document: ");
        text_markdown(out, run->path);
    }
    if (run->digest && *run->digest) {
        str_add(out, ", SHA-256 ");
        text_markdown(out, run->digest);
    }
    str_add(out, "\n\n");
}

static void add_run_table(const struct story_run *run, struct str *out)
{
    if (run->steps.len == 0) {
        str_add(out, "No step was reached.\n\n");
        return;
    }
    str_add(out, "| Step | What | Outcome | Executions |\n|---|---|---|---|\n");
    for (size_t i = 0; i < run->steps.len; i++) {
        const struct story_step *step = &run->steps.data[i];
        str_addf(out, "| %zu | ", i + 1);
        text_markdown(out, step->title);
        str_add(out, " | ");
        text_markdown(out, story_step_word(step));
        str_addf(out, " | %zu |\n", step->executions.len);
    }
    str_add(out, "\n");
}

void markdown_runs(const struct story *story, struct str *out)
{
    str_add(out, "## Runs\n\n");
    for (size_t i = 0; i < story->runs.len; i++) {
        const struct story_run *run = story->runs.data[i];
        add_run_head(run, out);
        add_run_table(run, out);
        for (size_t k = 0; k < run->steps.len; k++)
            add_step(&run->steps.data[k], out);
    }
    if (story->runs.len == 0)
        str_add(out, "None.\n\n");
}

/* --- evidence
 * --------------------------------------------------------------------------------------------------- */

static void add_evidence_row(const struct story_evidence *v, struct str *out)
{
    str_addf(out, "| %lld | ", (long long)v->seq);
    text_markdown(out, v->what);
    str_add(out, " | ");
    if (v->stored)
        text_bytes(out, v->info.bytes);
    else
        str_add(out, "not in the journal");
    if (v->info.dropped_bytes > 0) {
        str_add(out, ", of them dropped in the middle: ");
        text_bytes(out, v->info.dropped_bytes);
    }
    str_addf(out, " | `%s` |\n", v->digest);
}

void markdown_evidence(const struct story *story, struct str *out)
{
    str_add(out, "## Evidence\n\n");
    if (story->evidence.len == 0) {
        str_add(out, "None was captured.\n\n");
        return;
    }
    str_add(out, "| Event | What | Size | SHA-256 |\n|---|---|---|---|\n");
    for (size_t i = 0; i < story->evidence.len; i++)
        add_evidence_row(&story->evidence.data[i], out);
    str_add(out, "\n");
    for (size_t i = 0; i < story->evidence.len; i++) {
        const struct story_evidence *v = &story->evidence.data[i];
        if (!v->evidence || !v->stored || v->first.len == 0)
            continue;
        text_markdown(out, v->what);
        str_addf(out, ", `%.12s`, begins:\n\n", v->digest);
        text_fence(out, v->first.data, v->first.len, EVIDENCE_LINES);
        str_add(out, "\n");
    }
}
