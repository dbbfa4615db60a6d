/* SHA-256 (libcrypto) and a fast 64-bit checksum. */
#ifndef BELAY_BASE_HASH_H
#define BELAY_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"

#define SHA256_SIZE     32
#define SHA256_HEX_SIZE 65

struct sha256;   /* a running digest */

struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *s, const void *bytes, size_t length);
/* Adds an 8-byte big-endian length, then the bytes: no two lists of fields have the same digest. */
void sha256_add_field(struct sha256 *s, const void *bytes, size_t length);
void sha256_finish(struct sha256 *s, uint8_t digest[static SHA256_SIZE]);  /* ready for reuse after */
void sha256_free(struct sha256 *s);

void sha256_bytes(const void *bytes, size_t length, uint8_t digest[static SHA256_SIZE]);
void sha256_to_hex(const uint8_t digest[static SHA256_SIZE], char hex[static SHA256_HEX_SIZE]);
int sha256_from_hex(const char *hex, uint8_t digest[static SHA256_SIZE], struct err *e);

/* FNV-1a, 64 bits, finished by a mixer: detects torn writes, resists nobody. */
uint64_t checksum64(const void *bytes, size_t length);

#endif
