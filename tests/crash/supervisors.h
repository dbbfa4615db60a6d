/* The processes that supervise steps, found by their command line. */
#ifndef BELAY_TESTS_CRASH_SUPERVISORS_H
#define BELAY_TESTS_CRASH_SUPERVISORS_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "engine/base/base.h"

#define SUPERVISORS_MAX 64

/* Those whose steps lie in folder; their number. */
static inline size_t supervisors_find(const char *folder, pid_t pids[static SUPERVISORS_MAX])
{
    DIR *processes = opendir("/proc");
    size_t count = 0;
    for (const struct dirent *entry; processes && (entry = readdir(processes));) {
        struct str words = {0};
        char *path = xasprintf("/proc/%.20s/cmdline", entry->d_name);
        if (atoi(entry->d_name) > 0 && count < SUPERVISORS_MAX &&
            file_read(path, 1u << 16, &words, NULL) == 0 && words.len > 0 &&
            memmem(words.data, words.len, "supervise", 9) &&
            memmem(words.data, words.len, folder, strlen(folder)))
            pids[count++] = atoi(entry->d_name);
        str_fini(&words);
        free(path);
    }
    if (processes)
        closedir(processes);
    return count;
}

/* The one that there is; 0: none. */
static inline pid_t supervisor_find(const char *folder)
{
    pid_t pids[SUPERVISORS_MAX];
    return supervisors_find(folder, pids) > 0 ? pids[0] : 0;
}

/* What a supervisor runs; 0: nothing yet. */
static inline pid_t supervisor_child(pid_t supervisor)
{
    struct str list = {0};
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)supervisor, (int)supervisor);
    pid_t child = file_read(path, 1 << 16, &list, NULL) == 0 ? atoi(str_text(&list)) : 0;
    str_fini(&list);
    return child;
}

#endif
