#include "engine/execute/family.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/base.h"

void family_init(struct family *f, pid_t main)
{
    *f = (struct family){.main = main};
}

bool family_main_ended(struct family *f)
{
    siginfo_t info = {0};
    if (f->ended)
        return true;
    if (waitid(P_PID, (id_t)f->main, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid != f->main)
        return false;
    f->ended = true;
    f->status = info.si_code == CLD_EXITED ? (info.si_status & 0xff) << 8 : info.si_status & 0x7f;
    return true;
}

void family_signal(const struct family *f, int number)
{
    /* Just born it may not have its group yet. */
    if (kill(-f->main, number) < 0 && errno == ESRCH)
        kill(f->main, number);
}

/* Our children: the main process and adopted orphans. False when the kernel doesn't tell. */
static bool children_read(struct str *list)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    return file_read(path, 1 << 20, list, NULL) == 0;
}

static pid_t child_next(const char **at)
{
    char *end;
    long number = strtol(*at, &end, 10);
    *at = end;
    return number > 0 ? (pid_t)number : 0;
}

void family_reap(struct family *f)
{
    struct str list = {0};
    if (children_read(&list)) {
        const char *at = str_text(&list);
        for (pid_t pid; (pid = child_next(&at));)
            if (pid != f->main)
                waitpid(pid, NULL, WNOHANG);
    }
    str_fini(&list);
}

static bool others_alive(const struct family *f, bool in_group)
{
    struct str list = {0};
    bool alive = false;
    if (children_read(&list)) {
        const char *at = str_text(&list);
        for (pid_t pid; !alive && (pid = child_next(&at));)
            alive = pid != f->main && (!in_group || getpgid(pid) == f->main);
    }
    str_fini(&list);
    return alive;
}

bool family_group_alive(const struct family *f)
{
    return others_alive(f, true);
}

bool family_others_alive(const struct family *f)
{
    return others_alive(f, false);
}

bool family_end(struct family *f)
{
    pid_t pid;
    waitpid(f->main, NULL, 0);
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
        continue;
    return pid == 0;
}
