/* Behind `:`: what the configuration knows about an entity: its logs in a pager, its pages elsewhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tui/colon.h"
#include "tui/console_state.h"
#include "tui/foreground.h"

struct fetching {
    struct console_link *link;
    char *title;
};

static void fetching_free(struct fetching *f)
{
    if (--f->link->users == 0) {
        free(f->link);
    }
    free(f->title);
    free(f);
}

/* The entity whose name the text begins with, the longest; *rest is what stands behind it. */
static const struct entity *find_entity(struct console *console, const char *text, const char **rest)
{
    size_t count = 0, longest = 0;
    const struct entity *found = NULL;
    const struct entity *const *list = platform_list(engine_platform(console->engine), ENTITY_ANY, &count);
    struct str title = {0};
    for (size_t i = 0; i < count; i++) {
        str_clear(&title);
        entity_title(list[i], &title);
        bool fits = strncmp(text, str_text(&title), title.len) == 0 &&
                    (text[title.len] == '\0' || text[title.len] == ' ');
        if (fits && title.len > longest) {
            longest = title.len;
            found = list[i];
        }
    }
    str_fini(&title);
    *rest = text + longest + strspn(text + longest, " ");
    return found;
}

/* ---- the pager ---- */

static void paged(struct console *console, void *context, int status)
{
    (void)context;
    if (status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 127) {
        console_say(console, SAY_BAD, "there is no pager: set PAGER, or install less");
    }
}

/* less may not open files, editors or shells: who looks at logs over a shared account stays in the console.
 */
static void page_text(struct console *console, const char *title, const struct str *text)
{
    static char secure[] = "LESSSECURE=1", options[] = "LESS=-S", charset[] = "LESSCHARSET=utf-8";
    char *const environment[] = {secure, options, charset, NULL};
    const char *pager = getenv("PAGER");
    struct err e = {0};
    int fd = memfd_create("belay-logs", MFD_CLOEXEC);
    size_t written = 0;
    while (fd >= 0 && written < text->len) {
        ssize_t n = write(fd, text->data + written, text->len - written);
        if (n <= 0) {
            break;
        }
        written += (size_t)n;
    }
    char *line = xasprintf("exec %s", pager != NULL && *pager != '\0' ? pager : "less");
    char shell[] = "sh", option[] = "-c";
    char *const argv[] = {shell, option, line, NULL};
    if (fd < 0 || written < text->len || lseek(fd, 0, SEEK_SET) < 0) {
        err_errno(&e, "%s", title);
        if (fd >= 0) {
            close(fd);
        }
    } else {
        foreground_start(console, argv, environment, fd, paged, NULL, &e);
    }
    if (e.code != 0) {
        console_say(console, SAY_BAD, "%s", e.msg);
    }
    free(line);
}

static void fetched(void *data, struct process_result *result)
{
    struct fetching *f = data;
    struct console *console = f->link->console;
    if (console != NULL && !console->quitting) {
        free(console->message); /* "store log ..." */
        console->message = NULL;
        /* What came before it was cut or failed may be what is looked for. */
        if (result->out.len > 0) {
            page_text(console, f->title, &result->out);
        }
        if (result->error != 0 || result->exit_status != 0) {
            console_say(console, SAY_BAD, "%s: %s", f->title, result->reason);
        } else if (result->out.len == 0) {
            console_say(console, SAY_INFO, "%s: nothing", f->title);
        }
        loop_timer_start(console->frame_timer, 0, 0);
    }
    fetching_free(f);
}

static void fetch(struct console *console, const struct entity_logs *logs)
{
    struct fetching *f = xcalloc(1, sizeof *f);
    *f = (struct fetching){console->link, xstrdup(logs->title)};
    console->link->users++;
    struct process_request request = {
        .argv = logs->argv, .timeout_us = logs->timeout_us, .done = fetched, .data = f};
    process_start(console->loop, &request);
    console_say(console, SAY_INFO, "%s ...", logs->title);
}

void colon_logs(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)words;
    const char *title;
    const struct config *config = engine_config(console->engine);
    const struct entity *entity = find_entity(console, rest, &title);
    struct entity_logs logs;
    title += str_starts(title, "--title ")   ? strlen("--title ")
             : str_starts(title, "--title=") ? strlen("--title=")
                                             : 0;
    if (entity == NULL) {
        err_set(e, ERR_NOT_FOUND, "no such entity: %s (as shard docs/shard-5)", rest);
        return;
    }
    for (size_t i = 0; e->code == 0; i++) {
        if (!entity_logs(config, entity, i, &logs)) {
            err_set(e, ERR_NOT_FOUND,
                    i == 0 || title[0] == '\0' ? "no logs: are configured for it"
                                               : "it has no logs of that title");
            return;
        }
        bool meant = title[0] == '\0' || str_eq(title, logs.title);
        if (meant && logs.e.code != 0) {
            err_set(e, logs.e.code, "%s: %s", logs.title, logs.e.msg);
        } else if (meant) {
            fetch(console, &logs);
        }
        entity_logs_fini(&logs);
        if (meant) {
            return;
        }
    }
}

void colon_links(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)words;
    const char *left, *title;
    const struct entity *entity = find_entity(console, rest, &left);
    struct str text = {0}, url = {0};
    if (entity == NULL) {
        err_set(e, ERR_NOT_FOUND, "no such entity: %s (as shard docs/shard-5)", rest);
        return;
    }
    for (size_t i = 0; entity_link(engine_config(console->engine), entity, i, &title, &url); i++) {
        str_addf(&text, "%s\n%s\n", title, str_text(&url));
    }
    if (text.len == 0) {
        err_set(e, ERR_NOT_FOUND, "no links: are configured for it");
    } else {
        page_open_sheet(console, NULL, NULL, str_text(&text));
    }
    str_fini(&text);
    str_fini(&url);
}
