/* What a program in a pty uses, from /proc. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/base.h"
#include "tests/screen/pty.h"

struct process {
    pid_t pid, parent;
    long ticks;
};

static bool read_process(const char *name, struct process *process)
{
    char path[300];
    struct str text = {0};
    long user, system;
    snprintf(path, sizeof path, "/proc/%.200s/stat", name);
    bool ok = file_read(path, 4096, &text, NULL) == 0;
    const char *rest = ok ? strrchr(str_text(&text), ')') : NULL;
    ok = rest && sscanf(rest + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &process->parent,
                        &user, &system) == 3;
    if (ok) {
        process->pid = atoi(name);
        process->ticks = user + system;
    }
    str_fini(&text);
    return ok;
}

static bool descends(const struct process *list, size_t count, pid_t pid, pid_t from)
{
    for (int depth = 0; depth < 64 && pid > 1; depth++) {
        if (pid == from)
            return true;
        size_t i = 0;
        while (i < count && list[i].pid != pid)
            i++;
        if (i == count)
            return false;
        pid = list[i].parent;
    }
    return false;
}

static long memory_of(pid_t pid, const char *field)
{
    char path[64];
    struct str text = {0};
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    long kb = -1;
    if (file_read(path, 65536, &text, NULL) == 0) {
        const char *line = strstr(str_text(&text), field);
        if (line)
            kb = strtol(line + strlen(field), NULL, 10);
    }
    str_fini(&text);
    return kb;
}

struct pty_usage pty_usage(const struct pty *p)
{
    VEC(struct process) list = {0};
    struct pty_usage usage = {0};
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        struct process process;
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && read_process(entry->d_name, &process))
            *vec_push(&list) = process;
    }
    if (folder)
        closedir(folder);
    double hz = (double)sysconf(_SC_CLK_TCK);
    for (size_t i = 0; i < list.len; i++) {
        if (descends(list.data, list.len, list.data[i].pid, pty_pid(p)))
            usage.tree_cpu_s += (double)list.data[i].ticks / hz;
        if (list.data[i].pid == pty_pid(p))
            usage.cpu_s = (double)list.data[i].ticks / hz;
    }
    vec_fini(&list);
    usage.rss_kb = memory_of(pty_pid(p), "\nRss:");
    /* What a forked child has not changed yet counts as shared; it is the program's own all the same. */
    usage.private_dirty_kb =
        memory_of(pty_pid(p), "\nPrivate_Dirty:") + memory_of(pty_pid(p), "\nShared_Dirty:");
    return usage;
}
