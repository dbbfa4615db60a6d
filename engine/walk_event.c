/* Events about runs, as they go to the journal. */
#include "engine/walk.h"

#include <stdlib.h>

int run_append(struct engine *engine, struct run_event event, journal_done done, void *context, struct err *e)
{
    struct event_draft drafts[2];
    size_t count = 0;
    char *subject = xasprintf("run %lld", (long long)event.draft.run);
    char *data = event.data ? json_print(event.data) : NULL;
    event.draft.subject = subject;
    event.draft.summary = event.summary;
    event.draft.data = data;
    if (event.before)
        drafts[count++] = *event.before;
    drafts[count++] = event.draft;
    int code = chronicle_append(engine, drafts, count, done, context, e);
    free(subject);
    free(data);
    free(event.summary);
    cJSON_Delete(event.data);
    return code;
}

int walk_append(const struct walk *w, struct run_event event, journal_done done, void *context, struct err *e)
{
    if (run_rehearsed(w->run)) {
        char *summary = event.summary;
        event.summary = xasprintf(REHEARSAL "%s", summary);
        free(summary);
    }
    event.draft.run = w->id;
    if (!event.draft.incident)
        event.draft.incident = w->incident;
    return run_append(w->engine, event, done, context, e);
}
