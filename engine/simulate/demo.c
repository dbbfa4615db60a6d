#include "engine/simulate/demo.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

void demo_fill(const char *text, unsigned port, const char *runbook, struct str *out)
{
    while (*text) {
        if (str_starts(text, "@PORT@")) {
            str_addf(out, "%u", port);
            text += strlen("@PORT@");
        } else if (str_starts(text, "@RUNBOOK@")) {
            json_quote(out, runbook); /* JSON's quotes are YAML's */
            text += strlen("@RUNBOOK@");
        } else {
            str_add_char(out, *text++);
        }
    }
}

static int configuration_write(const char *folder, unsigned port, struct err *e)
{
    char *example = asset_path("examples", "demo.yaml", e);
    char *runbook = example ? asset_path("runbooks", "vector-store-shard-down.md", e) : NULL;
    char *path = path_join(folder, "belay.yaml");
    struct str text = {0}, filled = {0};
    int code = ERR_NOT_FOUND;
    if (runbook && (code = file_read(example, 1024 * 1024, &text, e)) == 0) {
        demo_fill(str_text(&text), port, runbook, &filled);
        code = file_write_atomic(path, filled.data, filled.len, 0600, e);
    }
    str_fini(&text);
    str_fini(&filled);
    free(path);
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

static int stand_in_write(const char *bin, unsigned port, struct err *e)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0)
        return err_errno(e, "/proc/self/exe");
    self[length] = '\0';
    char *path = path_join(bin, "kubectl");
    struct str script = {0};
    str_addf(&script,
             "#!/bin/sh\n"
             "# The demo's stand-in for kubectl: it acts on the simulated platform and on nothing else.\n"
             "BELAY_SIMULATION=127.0.0.1:%u exec ",
             port);
    shell_quote(&script, self);
    str_add(&script, " simulate-kubectl \"$@\"\n");
    int code = file_write_atomic(path, script.data, script.len, 0700, e);
    str_fini(&script);
    free(path);
    return code;
}

int demo_write(const char *folder, unsigned port, struct err *e)
{
    char *bin = path_join(folder, "bin");
    int code = folder_make(bin, 0700, e);
    if (code == 0)
        code = stand_in_write(bin, port, e);
    if (code == 0)
        code = configuration_write(folder, port, e);
    free(bin);
    return code;
}
