/* A real sshd on a free port of 127.0.0.1, with keys that are thrown away, that lets its user do one thing: a
 * script. */
#ifndef BELAY_TESTS_INTEGRATION_SSHD_H
#define BELAY_TESTS_INTEGRATION_SSHD_H

#include <pwd.h>
#include <sys/stat.h>

#include "tests/integration/server.h"
#include "tests/screen/walk.h"

struct sshd {
    const char *folder; /* the rig's */
    int port;
    pid_t pid;
    bool made_run; /* /run/sshd, where sshd of root wants it */
};

static inline void sshd_run(const char *command)
{
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

/* A key pair FOLDER/NAME that lets its owner in. */
static inline void sshd_add_key(const struct sshd *s, const char *name)
{
    char *command =
        xasprintf("ssh-keygen -q -t ed25519 -N '' -C %s -f %s/%s && cat %s/%s.pub >> %s/authorized", name,
                  s->folder, name, s->folder, name, s->folder);
    sshd_run(command);
    free(command);
}

/* script: what every login runs, whatever it asks for (that is in SSH_ORIGINAL_COMMAND). */
static inline void sshd_start(struct sshd *s, const char *folder, const char *script)
{
    *s = (struct sshd){.folder = folder, .port = free_port()};
    char *config = xasprintf("Port %d\nListenAddress 127.0.0.1\nHostKey %s/host\nPidFile none\n"
                             "AuthorizedKeysFile %s/authorized\nStrictModes no\nUsePAM no\n"
                             "PermitRootLogin yes\nPasswordAuthentication no\nExposeAuthInfo yes\n"
                             "PermitUserEnvironment no\nForceCommand %s/login\nPrintMotd no\n",
                             s->port, folder, folder, folder);
    char *host = xasprintf("ssh-keygen -q -t ed25519 -N '' -f %s/host", folder);
    char *login = path_join(folder, "login"), *file = path_join(folder, "sshd.conf");
    sshd_run(host);
    text_write(folder, "sshd.conf", config);
    text_write(folder, "login", script);
    text_write(folder, "authorized", "");
    assert_int_equal(chmod(login, 0755), 0);
    if (getuid() == 0)
        s->made_run = mkdir("/run/sshd", 0755) == 0;
    char *argv[] = {"/usr/sbin/sshd", "-D", "-e", "-f", file, NULL};
    s->pid = server_start(folder, s->port, argv);
    free(config);
    free(host);
    free(login);
    free(file);
}

static inline void sshd_stop(struct sshd *s)
{
    server_stop(s->pid);
    if (s->made_run)
        rmdir("/run/sshd");
}

/* `ssh -tt 127.0.0.1 COMMAND` in a pty, with the key of that name alone. */
static inline struct pty *sshd_login(const struct sshd *s, const char *key, const char *command)
{
    char port[16], *identity = path_join(s->folder, key);
    snprintf(port, sizeof port, "%d", s->port);
    const char *argv[] = {"/usr/bin/ssh",
                          "-tt",
                          "-q",
                          "-F",
                          "none",
                          "-p",
                          port,
                          "-i",
                          identity,
                          "-o",
                          "IdentitiesOnly=yes",
                          "-o",
                          "StrictHostKeyChecking=no",
                          "-o",
                          "UserKnownHostsFile=/dev/null",
                          "-o",
                          "IdentityAgent=none",
                          "127.0.0.1",
                          command,
                          NULL};
    struct pty *p = pty_start(&(struct pty_options){.argv = argv, .width = 120, .height = 36});
    free(identity);
    return p;
}

#endif
