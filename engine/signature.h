/* Signatures by keys of SSH: made by ssh-keygen through the agent, checked against a file of allowed signers
 * (ssh-keygen(1), ALLOWED SIGNERS; OpenSSH's PROTOCOL.sshsig). Private to the engine's own room. */
#ifndef BELAY_ENGINE_SIGNATURE_H
#define BELAY_ENGINE_SIGNATURE_H

#include "engine/base/base.h"
#include "engine/io/io.h"

#define SIGNATURE_NAMESPACE "belay-approval"
#define SIGNATURE_MAX       (16u << 10)

/* The answer comes once, later, on the loop. made: the armoured signature, or why there is none. */
typedef void signature_made(void *context, int code, const char *text);
/* key: a private key's file, or a public one's whose private key the agent has. */
void signature_make(struct loop *loop, const char *key, const char *text, signature_made *done,
                    void *context);

/* The signer as the file of allowed signers names it, and the fingerprint of the key; NULL with a code, and
 * then reason. ERR_DENIED: not signed by an allowed key, or not this text. */
struct signer {
    const char *principal, *fingerprint, *reason;
};
typedef void signature_checked(void *context, int code, const struct signer *signer);
void signature_check(struct loop *loop, const char *allowed, const char *signature, const char *text,
                     signature_checked *done, void *context);

#endif
