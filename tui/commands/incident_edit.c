/* The parts of a postmortem in an editor. */
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tui/commands/incident.h"

static int run_editor(const char *path, struct err *e)
{
    char **argv = incident_editor(path);
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        execvp(argv[0], argv);
        _exit(127);
    }
    strv_free(argv);
    if (pid < 0)
        return err_errno(e, "the editor could not be started");
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return err_errno(e, "the editor was lost");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return err_set(e, ERR_CANCELLED, "the editor did not end well: nothing is written");
    return 0;
}

int incident_edit(struct incident_call *call, struct journal *journal, struct err *e)
{
    struct incident_file file;
    struct str text = {0}, edited = {0};
    char *folder = getenv("XDG_RUNTIME_DIR"), *path = NULL;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return err_set(e, ERR_USAGE,
                       "without a terminal the text is given: --field NAME=TEXT or --file NAME=PATH");
    int code = incident_file_read(journal, call->incident, &file, e);
    if (code == 0) {
        incident_text_write(&file, &text);
        path = xasprintf("%s/belay-INC-%lld-%d.md", folder && *folder ? folder : "/tmp",
                         (long long)call->incident, (int)getpid());
        code = file_write_atomic(path, str_text(&text), text.len, 0600, e);
    }
    if (code == 0)
        code = run_editor(path, e);
    if (code == 0)
        code = file_read(path, INCIDENT_TEXT_MAX * INCIDENT_FIELD_COUNT, &edited, e);
    if (code == 0)
        code = incident_text_read(&file, str_text(&edited), edited.len, call, e);
    if (code == 0 && call->count == 0)
        code = err_set(e, ERR_CANCELLED, "nothing was changed");
    if (path)
        unlink(path);
    free(path);
    str_fini(&text);
    str_fini(&edited);
    incident_file_fini(&file);
    return code;
}
