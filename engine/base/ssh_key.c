#include "engine/base/ssh_key.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/hash.h"

#define BLOB_BASE64_MAX (16u << 10) /* an RSA key of 16,384 bits has 2,760 */
#define AUTH_FILE_MAX   (64u << 10)

static int blob_decode(const char *text, size_t length, unsigned char **blob, size_t *blob_length)
{
    if (length == 0 || length > BLOB_BASE64_MAX || length % 4 != 0)
        return -1;
    *blob = xmalloc(length / 4 * 3 + 1);
    int decoded = EVP_DecodeBlock(*blob, (const unsigned char *)text, (int)length);
    if (decoded <= 0) {
        free(*blob);
        return -1;
    }
    size_t padding = text[length - 1] != '=' ? 0 : text[length - 2] != '=' ? 1 : 2;
    *blob_length = (size_t)decoded - padding;
    return 0;
}

/* The blob repeats the name of its algorithm: a length of four bytes, then the name (RFC 4253 6.6). */
static bool blob_is_of(const unsigned char *blob, size_t length, const char *algorithm, size_t name_length)
{
    return length > 4 + name_length && blob[0] == 0 && blob[1] == 0 &&
           (size_t)blob[2] << 8 == (name_length & ~(size_t)0xff) && blob[3] == (name_length & 0xff) &&
           memcmp(blob + 4, algorithm, name_length) == 0;
}

int ssh_key_fingerprint(const char *key, char fingerprint[static SSH_FINGERPRINT_SIZE], struct err *e)
{
    size_t name_length = strcspn(key, " \t"), blob_length = 0;
    const char *text = key + name_length + strspn(key + name_length, " \t");
    unsigned char *blob = NULL, base64[64];
    uint8_t digest[SHA256_SIZE];
    if (name_length == 0 || blob_decode(text, strcspn(text, " \t\r\n"), &blob, &blob_length) < 0 ||
        !blob_is_of(blob, blob_length, key, name_length)) {
        free(blob);
        return err_set(e, ERR_SYNTAX, "not a public key of SSH: %.40s", key);
    }
    sha256_bytes(blob, blob_length, digest);
    free(blob);
    EVP_EncodeBlock(base64, digest, SHA256_SIZE);
    base64[strcspn((char *)base64, "=")] = '\0';
    snprintf(fingerprint, SSH_FINGERPRINT_SIZE, "SHA256:%.43s", (char *)base64);
    return 0;
}

int ssh_key_of_session(const char *auth_file, struct str *key, struct err *e)
{
    struct str text = {0};
    int code = auth_file && *auth_file ? file_read(auth_file, AUTH_FILE_MAX, &text, e)
                                       : err_set(e, ERR_NOT_FOUND, "this session was not let in by sshd");
    const char *line = code == 0 ? str_text(&text) : "";
    while (*line && !str_starts(line, "publickey "))
        line += strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n');
    if (*line) {
        line += strlen("publickey ");
        str_add_bytes(key, line, strcspn(line, "\r\n"));
    } else if (code == 0) {
        code = err_set(e, ERR_NOT_FOUND, "%s names no public key", auth_file);
    }
    str_fini(&text);
    return code;
}
