/* `belay`: supervises steps, makes the calls of `belay exec`, and hands everything else to belay-console. It
 * stays small because it is what starts first, and what stays in memory beside each step. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/execute/execute.h"
#include "engine/targets/targets.h"

/* Beside us in a build, in libexec when installed. By our own place, never by PATH. */
static const char *const places[] = {"belay-console", "../libexec/belay/belay-console"};

static int console(char **argv)
{
    char own[PATH_MAX], path[2 * PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    if (length < 0) {
        fprintf(stderr, "belay: /proc/self/exe can't be read (%s): mount /proc\n", strerror(errno));
        return 1;
    }
    own[length] = '\0';
    char *slash = strrchr(own, '/');
    if (slash)
        *slash = '\0';
    int why = ENOENT;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(path, sizeof path, "%s/%s", own, places[i]);
        execv(path, argv);
        if (errno != ENOENT && errno != ENOTDIR)
            why = errno;
    }
    if (why == ENOENT)
        fprintf(stderr,
                "belay: belay-console is neither in %s nor in %s/../libexec/belay: install belay again\n",
                own, own);
    else
        fprintf(stderr, "belay: belay-console can't be run: %s\n", strerror(why));
    return 1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "supervise") == 0)
        return execute_supervise(argv[2]);
    if (argc >= 2 && strcmp(argv[1], "exec") == 0 && !exec_needs_console(argc - 2, argv + 2))
        return exec_run(argc - 2, argv + 2, NULL);
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("belay " BELAY_VERSION);
        return fflush(stdout) ? 1 : 0;
    }
    return console(argv);
}
