#include "engine/simulate/demo.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DRILLED_US (12 * 86400 * US_PER_S) /* before the demo begins */

void demo_fill(const char *text, const struct demo_values *values, struct str *out)
{
    char port[16], drilled[CLOCK_TEXT_SIZE];
    clock_format(values->drilled_us, drilled);
    snprintf(port, sizeof port, "%u", values->port);
    const struct {
        const char *place, *value;
        bool quoted; /* JSON's quotes are YAML's */
    } places[] = {{"@PORT@", port, false},
                  {"@DRILLED@", drilled, false},
                  {"@RUNBOOKS@", values->runbooks, true},
                  {"@KUBECTL@", values->kubectl, true}};
    const size_t places_count = sizeof places / sizeof places[0];
    while (*text) {
        size_t i = 0;
        while (i < places_count && !str_starts(text, places[i].place))
            i++;
        if (i == places_count) {
            str_add_char(out, *text++);
            continue;
        }
        if (places[i].quoted)
            json_quote(out, places[i].value);
        else
            str_add(out, places[i].value);
        text += strlen(places[i].place);
    }
}

static int configuration_write(const char *folder, const char *kubectl, unsigned port, struct err *e)
{
    char *example = asset_path("examples", "demo.yaml", e);
    char *runbook = example ? asset_path("runbooks", "vector-store-shard-down.md", e) : NULL;
    char *runbooks = runbook ? xstrndup(runbook, (size_t)(strrchr(runbook, '/') - runbook)) : NULL;
    char *path = path_join(folder, "belay.yaml");
    struct str text = {0}, filled = {0};
    int code = ERR_NOT_FOUND;
    if (runbooks && (code = file_read(example, 1024 * 1024, &text, e)) == 0) {
        struct demo_values values = {.port = port,
                                     .runbooks = runbooks,
                                     .kubectl = kubectl,
                                     .drilled_us = clock_wall_us() - DRILLED_US};
        demo_fill(str_text(&text), &values, &filled);
        code = file_write(path, filled.data, filled.len, 0600, e);
    }
    str_fini(&text);
    str_fini(&filled);
    free(path);
    free(runbooks);
    free(runbook);
    free(example);
    return code;
}

/* In single quotes for the shell. */
static void shell_quote(struct str *out, const char *text)
{
    str_add_char(out, '\'');
    for (; *text; text++)
        str_add(out, *text == '\'' ? "'\\''" : (char[]){*text, '\0'});
    str_add_char(out, '\'');
}

/* The program runs under a link's name: a process list says what it is, and whoever kills their console by
 * its name does not hit the stand-in of a step instead, which is always newer. */
static int stand_in_write(const char *folder, const char *path, unsigned port, struct err *e)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0)
        return err_errno(e, "/proc/self/exe");
    self[length] = '\0';
    char *link = path_join(folder, "kubectl");
    struct str script = {0};
    str_addf(&script,
             "#!/bin/sh\n"
             "# The demo's stand-in for kubectl: it acts on the simulated platform and on nothing else.\n"
             "BELAY_SIMULATION=127.0.0.1:%u exec ",
             port);
    shell_quote(&script, link);
    str_add(&script, " simulate-kubectl \"$@\"\n");
    int code = symlink(self, link) < 0 ? err_errno(e, "%s", link)
                                       : file_write(path, script.data, script.len, 0700, e);
    str_fini(&script);
    free(link);
    return code;
}

int demo_write(const char *folder, unsigned port, struct err *e)
{
    char *bin = path_join(folder, "bin"), *kubectl = path_join(bin, "kubectl");
    int code = folder_make(bin, 0700, e);
    if (code == 0)
        code = stand_in_write(folder, kubectl, port, e);
    if (code == 0)
        code = configuration_write(folder, kubectl, port, e);
    free(kubectl);
    free(bin);
    return code;
}
