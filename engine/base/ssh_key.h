/* Public keys of SSH, as text: which one sshd let in, and its fingerprint. */
#ifndef BELAY_BASE_SSH_KEY_H
#define BELAY_BASE_SSH_KEY_H

#include <stddef.h>

#include "engine/base/err.h"
#include "engine/base/str.h"

#define SSH_FINGERPRINT_SIZE 51 /* "SHA256:", 43 characters of base64 without padding, NUL */

/* The fingerprint of "ssh-ed25519 AAAAC3... [comment]" as `ssh-keygen -l` prints it: SHA-256 of the blob (RFC
 * 4716, RFC 4253 6.6). ERR_SYNTAX for anything else. */
int ssh_key_fingerprint(const char *key, char fingerprint[static SSH_FINGERPRINT_SIZE], struct err *e);

/* The public key by which this session was let in, as sshd says it with `ExposeAuthInfo yes`: in the file
 * that SSH_USER_AUTH names, a method a line, "publickey ssh-ed25519 AAAAC3...". Appends "ssh-ed25519
 * AAAAC3..."; the first key counts. ERR_NOT_FOUND: no such file, or another method. It is the session's own
 * word: whoever owns the account can set it to anything. */
int ssh_key_of_session(const char *auth_file, struct str *key, struct err *e);

#endif
