#include <stdio.h>
#include <stdlib.h>

#include "engine/postmortem/export.h"
#include "engine/postmortem/text.h"

static void add_row_time(struct str *out, const char *name, int64_t at_us, int64_t opened_us)
{
    if (at_us == 0)
        return;
    str_addf(out, "| %s | ", name);
    text_time(out, at_us);
    if (at_us > opened_us) {
        str_add(out, ", ");
        text_duration(out, at_us - opened_us);
        str_add(out, " after it was opened");
    }
    str_add(out, " |\n");
}

static void add_title(const struct story *story, struct str *out)
{
    const struct journal_incident *incident = &story->incident;
    if (incident->number == 0) {
        str_add(out, "# Journal\n\n");
        return;
    }
    str_addf(out, "# INC-%lld: ", (long long)incident->number);
    text_markdown(out, incident->title);
    if (*incident->severity) {
        str_add(out, " (");
        text_markdown(out, incident->severity);
        str_add(out, ")");
    }
    str_addf(out, "\n\n| | |\n|---|---|\n| State | %s |\n", incident_state_name(incident->state));
    str_add(out, "| Opened | ");
    text_time(out, incident->opened_us);
    str_add(out, " by ");
    text_markdown(out, incident->opened_by);
    str_add(out, " |\n");
    add_row_time(out, "Mitigated", incident->mitigated_us, incident->opened_us);
    add_row_time(out, "Resolved", incident->resolved_us, incident->opened_us);
    add_row_time(out, "Reviewed", incident->reviewed_us, incident->opened_us);
    add_row_time(out, "Closed", incident->closed_us, incident->opened_us);
    for (size_t i = 0; i < story->file.roles.len; i++) {
        str_add(out, "| Role: ");
        text_markdown(out, story->file.roles.data[i].role);
        str_add(out, " | ");
        text_markdown(out, story->file.roles.data[i].person);
        str_add(out, " |\n");
    }
    str_add(out, "| People | ");
    for (char **p = story->people; p && *p; p++) {
        str_add(out, p == story->people ? "" : ", ");
        text_markdown(out, *p);
    }
    str_add(out, " |\n\n");
}

/* --- summary
 * ------------------------------------------------------------------------------------------------- */

struct tally {
    size_t acts, ok, failed, unknown, other;
};

static struct tally tally_acts(const struct story *story)
{
    struct tally tally = {0};
    for (size_t i = 0; i < story->runs.len; i++)
        for (size_t k = 0; k < story->runs.data[i]->steps.len; k++) {
            const struct story_step *step = &story->runs.data[i]->steps.data[k];
            for (size_t x = 0; x < step->executions.len; x++) {
                const struct story_execution *execution = &step->executions.data[x];
                const char *outcome = execution->outcome_seq ? execution->outcome : "unknown";
                if (!execution->acts)
                    continue;
                tally.acts++;
                if (str_eq(outcome, "ok") || str_eq(outcome, "warn"))
                    tally.ok++;
                else if (str_eq(outcome, "failed"))
                    tally.failed++;
                else if (str_eq(outcome, "unknown"))
                    tally.unknown++;
                else
                    tally.other++;
            }
        }
    return tally;
}

static void add_count(struct str *out, size_t count, const char *one, const char *many)
{
    str_addf(out, "%zu %s", count, count == 1 ? one : many);
}

static void add_passage(struct str *out, const char *verb, int64_t at_us, int64_t opened_us)
{
    if (at_us == 0)
        return;
    str_addf(out, ", %s after ", verb);
    text_duration(out, at_us - opened_us);
}

static void add_course(const struct journal_incident *incident, struct str *out)
{
    if (incident->number == 0)
        return;
    str_add(out, "Opened ");
    text_time(out, incident->opened_us);
    add_passage(out, "mitigated", incident->mitigated_us, incident->opened_us);
    add_passage(out, "resolved", incident->resolved_us, incident->opened_us);
    add_passage(out, "closed", incident->closed_us, incident->opened_us);
    str_add(out, incident->closed_us || incident->resolved_us ? ".\n" : "; not resolved yet.\n");
}

static void add_summary(const struct story *story, struct str *out)
{
    struct tally tally = tally_acts(story);
    size_t hurt = 0, still = 0, flapping = 0;
    for (size_t i = 0; i < story->entities.len; i++) {
        const struct story_entity *entity = story->entities.data[i];
        hurt += !str_eq(story_entity_worst(entity), "ok");
        flapping += entity->flapping;
        still += !entity->flapping && !str_eq(story_entity_last(entity), "ok");
    }
    str_add(out, "## Summary\n\n");
    if (markdown_field(story, INCIDENT_FIELD_SUMMARY, out))
        str_add(out, "\n");
    add_course(&story->incident, out);
    add_count(out, hurt, "watched entity was not ok", "watched entities were not ok");
    if (hurt)
        str_addf(out, "; at the end of this record %zu still %s not", still, still == 1 ? "is" : "are");
    if (flapping)
        str_addf(out, ", and %zu %s flapping", flapping, flapping == 1 ? "was" : "were");
    str_add(out, ".\n");
    if (story->runs.len == 0) {
        str_add(out, "No runbook was walked.\n\n");
        return;
    }
    add_count(out, story->runs.len, "run of a runbook", "runs of runbooks");
    str_add(out, " with ");
    add_count(out, tally.acts, "action", "actions");
    str_addf(out, ": %zu ok, %zu failed, %zu unknown", tally.ok, tally.failed, tally.unknown);
    if (tally.other)
        str_addf(out, ", %zu not carried through", tally.other);
    str_add(out, ".\n\n");
}

/* --- impact
 * ---------------------------------------------------------------------------------------------------- */

static void add_impact_row(const struct story_entity *entity, struct str *out)
{
    int64_t from_us = 0, until_us = 0, since_us = 0, total_us = 0; /* since: of the spell under way */
    size_t spells = 0;
    const char *raw = "";
    for (size_t i = 0; i < entity->changes.len; i++) {
        const struct story_change *change = &entity->changes.data[i];
        bool ok = str_eq(change->to, "ok");
        if (!ok && from_us == 0)
            from_us = change->at_us;
        if (!ok && since_us == 0) {
            since_us = change->at_us;
            spells++;
        } else if (ok && since_us != 0) {
            total_us += change->at_us - since_us;
            since_us = 0;
        }
        if (str_eq(change->to, story_entity_worst(entity)) && !*raw)
            raw = change->raw;
        until_us = ok ? change->at_us : 0;
    }
    str_add(out, "| ");
    text_markdown(out, entity->kind);
    str_add(out, " ");
    text_markdown(out, entity->name);
    str_addf(out, " | %s", story_entity_worst(entity));
    if (*raw) {
        str_add(out, " (");
        text_markdown(out, raw);
        str_add(out, ")");
    }
    str_add(out, " | ");
    text_time(out, from_us);
    str_add(out, " | ");
    if (entity->flapping) {
        str_add(out, "not known: flapping | ");
    } else {
        text_time(out, until_us);
        str_add(out, until_us ? " | " : "not yet | ");
        if (until_us)
            text_duration(out, total_us);
        if (until_us && spells > 1)
            str_addf(out, " in %zu spells", spells);
    }
    str_add(out, " |\n");
}

static void add_impact(const struct story *story, struct str *out)
{
    bool any = false;
    str_add(out, "## Impact\n\n");
    if (markdown_field(story, INCIDENT_FIELD_IMPACT, out))
        str_add(out, "\n");
    for (size_t i = 0; i < story->entities.len; i++) {
        const struct story_entity *entity = story->entities.data[i];
        if (str_eq(story_entity_worst(entity), "ok"))
            continue;
        if (!any)
            str_add(out, "| What | Worst | From (UTC) | Ok again | For |\n|---|---|---|---|---|\n");
        any = true;
        add_impact_row(entity, out);
    }
    str_add(out, any ? "\n" : "Nothing that is watched changed for the worse.\n\n");
}

/* --- timeline
 * ------------------------------------------------------------------------------------------------------ */

static void add_timeline(const struct story *story, struct str *out)
{
    char day[16] = "", at[CLOCK_TEXT_SIZE];
    bool any = false;
    str_add(out, "## Timeline (UTC)\n\n");
    for (size_t i = 0; i < story->told.len; i++) {
        struct timeline_line line;
        timeline_line_init(&line, story->told.data[i]);
        clock_format(line.at_us, at);
        if (line.level > TIMELINE_DETAIL) {
            if (strncmp(day, at, 10) != 0) { /* a table a day: the times need no date then */
                snprintf(day, sizeof day, "%.10s", at);
                str_addf(out, "%s### %s\n\n| Time | Who | What | Event |\n|---|---|---|---|\n",
                         any ? "\n" : "", day);
                any = true;
            }
            str_add(out, "| ");
            text_clock(out, line.at_us);
            str_add(out, " | ");
            text_markdown(out, line.who);
            str_add(out, " | ");
            text_markdown(out, line.text);
            str_addf(out, " | %lld |\n", (long long)line.seq);
        }
        timeline_line_fini(&line);
    }
    str_add(out, any ? "\n" : "Nothing happened.\n\n");
}

/* --- decisions, unknowns, changes, chain
 * ---------------------------------------------------------------------------- */

static void add_decisions(const struct story *story, struct str *out)
{
    str_add(out, "## Decisions\n\n");
    for (size_t i = 0; i < story->decisions.len; i++) {
        const struct story_decision *decision = &story->decisions.data[i];
        str_add(out, "- ");
        text_time(out, decision->at_us);
        str_add(out, " ");
        text_markdown(out, decision->who);
        str_addf(out, ", run %lld: ", (long long)decision->run);
        text_markdown(out, decision->what);
        if (*decision->reason && !strstr(decision->what, decision->reason)) {
            str_add(out, ". Reason: ");
            text_markdown(out, decision->reason);
        }
        str_add(out, "\n");
    }
    str_add(out, story->decisions.len ? "\n" : "None were recorded.\n\n");
}

static void add_unknowns(const struct story *story, struct str *out)
{
    str_add(out, "## Unknown\n\n");
    for (size_t i = 0; i < story->gaps.len; i++) {
        str_add(out, "- ");
        if (story->gaps.data[i].at_us) {
            text_time(out, story->gaps.data[i].at_us);
            str_add(out, " ");
        }
        text_markdown(out, story->gaps.data[i].text);
        str_add(out, "\n");
    }
    str_add(out, story->gaps.len ? "\n" : "Nothing was left open.\n\n");
}

static void add_lasting(const struct story *story, struct str *out)
{
    struct story_lasting *lasting;
    size_t count = story_lasting(story, &lasting), open = 0;
    str_add(out, "## Changed and not undone\n\n");
    for (size_t i = 0; i < count; i++) {
        const struct story_lasting *change = &lasting[i];
        if (change->undone_by)
            continue;
        open++;
        str_add(out, "- ");
        text_time(out, change->execution->intent_us);
        str_addf(out, " run %lld, ", (long long)change->run->number);
        text_markdown(out, change->step->title);
        str_add(out, ": ");
        text_markdown(out, story_step_outcome(change->step));
        if (*change->undo) {
            str_add(out, "; can be taken back by ");
            text_markdown(out, change->undo);
        } else {
            str_add(out, "; no way back is declared");
        }
        str_add(out, "\n");
    }
    str_add(out, open ? "\n" : "Nothing.\n\n");
    free(lasting);
}

static void add_chain(const struct story *story, struct str *out)
{
    char head[SHA256_HEX_SIZE];
    sha256_to_hex(story->head, head);
    str_add(out, "## Chain\n\n");
    if (story->last_seq == 0) {
        str_add(out, "The journal is empty.\n");
        return;
    }
    if (story->broken_seq)
        str_addf(out,
                 "**The chain is broken at event %lld: this record can't be trusted from there on.** "
                 "`belay verify` says more.\n\n",
                 (long long)story->broken_seq);
    str_addf(out,
             "Events %lld to %lld of the journal; each carries the SHA-256 of itself and its predecessor. "
             "The last "
             "one's:\n\n`%s`\n",
             (long long)story->first_seq, (long long)story->last_seq, head);
}

void export_markdown(const struct story *story, struct str *out)
{
    add_title(story, out);
    add_summary(story, out);
    add_impact(story, out);
    markdown_findings(story, out);
    markdown_followup(story, out);
    add_timeline(story, out);
    markdown_runs(story, out);
    add_decisions(story, out);
    markdown_evidence(story, out);
    add_unknowns(story, out);
    add_lasting(story, out);
    add_chain(story, out);
}
