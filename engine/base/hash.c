#include "engine/base/hash.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/str.h"

struct sha256 {
    EVP_MD_CTX *context; /* NULL until there is something to digest: libcrypto is slow to begin */
};

/* libcrypto can only fail here for want of memory or of SHA-256 itself; neither can be mended by the caller.
 */
static void must(int ok)
{
    if (ok != 1)
        abort();
}

struct sha256 *sha256_new(void)
{
    return xcalloc(1, sizeof(struct sha256));
}

static EVP_MD_CTX *context(struct sha256 *s)
{
    if (!s->context) {
        s->context = EVP_MD_CTX_new();
        must(s->context != NULL);
        must(EVP_DigestInit_ex(s->context, EVP_sha256(), NULL));
    }
    return s->context;
}

void sha256_add(struct sha256 *s, const void *bytes, size_t length)
{
    if (length)
        must(EVP_DigestUpdate(context(s), bytes, length));
}

void sha256_add_field(struct sha256 *s, const void *bytes, size_t length)
{
    uint8_t prefix[8];
    for (int i = 0; i < 8; i++)
        prefix[i] = (uint8_t)((uint64_t)length >> (56 - 8 * i));
    sha256_add(s, prefix, sizeof prefix);
    sha256_add(s, bytes, length);
}

void sha256_finish(struct sha256 *s, uint8_t digest[static SHA256_SIZE])
{
    must(EVP_DigestFinal_ex(context(s), digest, NULL));
    must(EVP_DigestInit_ex(s->context, NULL, NULL)); /* the same once more, without looking it up */
}

void sha256_free(struct sha256 *s)
{
    if (!s)
        return;
    EVP_MD_CTX_free(s->context);
    free(s);
}

void sha256_bytes(const void *bytes, size_t length, uint8_t digest[static SHA256_SIZE])
{
    must(EVP_Digest(length ? bytes : "", length, digest, NULL, EVP_sha256(), NULL));
}

void sha256_to_hex(const uint8_t digest[static SHA256_SIZE], char hex[static SHA256_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[SHA256_HEX_SIZE - 1] = '\0';
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int sha256_from_hex(const char *hex, uint8_t digest[static SHA256_SIZE], struct err *e)
{
    if (strnlen(hex, SHA256_HEX_SIZE) != SHA256_HEX_SIZE - 1)
        return err_set(e, ERR_SYNTAX, "a SHA-256 digest has 64 hexadecimal digits");
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        int high = nibble(hex[2 * i]), low = nibble(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return err_set(e, ERR_SYNTAX, "not a hexadecimal digit at offset %zu of a digest",
                           2 * i + (high < 0 ? 0 : 1));
        digest[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}
