/* What `belay exec` costs over running the command itself (wanted: at most 4 ms with a breaker, median,
 * paired): each round runs `true` alone and by belay exec in its forms, one after the other. Then fifty at
 * once on one breaker, over and over: none may lose its outcome.
 *
 *   bench_exec [ROUNDS [BELAY]]       BELAY: build/belay, beside this program's folder */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/targets/targets.h"

#define AT_ONCE 50

extern char **environ;

static pid_t start(char *const *argv)
{
    pid_t pid;
    int code = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
    if (code != 0) {
        fprintf(stderr, "%s: %s\n", argv[0], strerror(code));
        exit(1);
    }
    return pid;
}

static void end(pid_t pid)
{
    int status;
    if (waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "a call ended with %d\n", status);
        exit(1);
    }
}

static double run_ms(char *const *argv)
{
    int64_t begun = clock_monotonic_us();
    end(start(argv));
    return (double)(clock_monotonic_us() - begun) / 1000;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(double *values, size_t count, double q)
{
    qsort(values, count, sizeof *values, by_size);
    return values[(size_t)((double)(count - 1) * q)];
}

static void paired(char *belay, size_t rounds)
{
    struct {
        const char *name;
        char *argv[12];
        double *ms, *more;
    } forms[] = {
        {.name = "true", .argv = {"/bin/true"}},
        {.name = "belay exec -- true", .argv = {belay, "exec", "--", "/bin/true"}},
        {.name = "... that may be repeated", .argv = {belay, "exec", "--idempotent", "--", "/bin/true"}},
        {.name = "... measured", .argv = {belay, "exec", "--name", "bench", "--", "/bin/true"}},
        {.name = "... with a breaker",
         .argv = {belay, "exec", "--breaker", "bench:failures=5", "--", "/bin/true"}},
        {.name = "... and a budget",
         .argv = {belay, "exec", "--breaker", "bench", "--budget", "10", "--idempotent", "--", "/bin/true"}},
    };
    size_t count = sizeof forms / sizeof *forms;
    for (size_t f = 0; f < count; f++) {
        forms[f].ms = xcalloc(rounds, sizeof(double));
        forms[f].more = xcalloc(rounds, sizeof(double));
        run_ms(forms[f].argv); /* what is made once */
    }
    for (size_t i = 0; i < rounds; i++)
        for (size_t f = 0; f < count; f++) {
            forms[f].ms[i] = run_ms(forms[f].argv);
            forms[f].more[i] = forms[f].ms[i] - forms[0].ms[i];
        }
    printf("| %zu rounds | median, ms | over true: median | p90 |\n|---|---|---|---|\n", rounds);
    for (size_t f = 0; f < count; f++) {
        printf("| %s | %.2f | %.2f | %.2f |\n", forms[f].name, quantile(forms[f].ms, rounds, .5),
               quantile(forms[f].more, rounds, .5), quantile(forms[f].more, rounds, .9));
        free(forms[f].ms);
        free(forms[f].more);
    }
}

static uint64_t stored(const char *folder, const char *name)
{
    struct err e = {0};
    struct targets *t;
    struct target_view *views;
    size_t count;
    uint64_t found = 0;
    char *path = path_join(folder, "belay/local");
    if (targets_open(path, false, true, &t, &e) < 0 || targets_read(t, &views, &count, &e) < 0) {
        fprintf(stderr, "%s\n", e.msg);
        exit(1);
    }
    for (size_t i = 0; i < count; i++)
        if (str_eq(views[i].name, name))
            found = views[i].counts.succeeded;
    free(views);
    targets_close(t);
    free(path);
    return found;
}

static void at_once(char *belay, const char *folder, size_t rounds)
{
    char *argv[] = {belay, "exec", "--breaker", "shared", "--", "/bin/true", NULL};
    char *alone[] = {"/bin/true", NULL};
    double ms[2] = {0};
    for (size_t i = 0; i < rounds; i++)
        for (int which = 0; which < 2; which++) {
            pid_t pids[AT_ONCE];
            int64_t begun = clock_monotonic_us();
            for (int n = 0; n < AT_ONCE; n++)
                pids[n] = start(which ? argv : alone);
            for (int n = 0; n < AT_ONCE; n++)
                end(pids[n]);
            ms[which] += (double)(clock_monotonic_us() - begun) / 1000;
        }
    uint64_t made = rounds * AT_ONCE, kept = stored(folder, "shared");
    printf("\n%d at once on one breaker, %zu times: %.0f calls/s (true alone: %.0f/s), %llu outcomes of %llu "
           "kept\n",
           AT_ONCE, rounds, (double)made * 1000 / ms[1], (double)made * 1000 / ms[0],
           (unsigned long long)kept, (unsigned long long)made);
    if (kept != made)
        exit(1);
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/belay-bench-XXXXXX", own[4096] = "";
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 32);
    char *slash = length > 0 ? strrchr(own, '/') : NULL;
    if (slash)
        snprintf(slash, 32, "/../belay");
    char *belay = realpath(argc > 2 ? argv[2] : own, NULL);
    size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 300;
    if (!belay || rounds == 0 || !mkdtemp(folder)) {
        fprintf(stderr, "usage: bench_exec [ROUNDS [BELAY]]\n");
        return 2;
    }
    setenv("XDG_STATE_HOME", folder, 1);
    paired(belay, rounds);
    at_once(belay, folder, rounds / 20 + 1);
    folder_remove(folder, NULL);
    free(belay);
    return 0;
}
