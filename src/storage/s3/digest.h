/* Digests that S3 asks for or answers with.  Pure functions, thread-safe.
 *
 * They stand on OpenSSL's plain SHA-256 and MD5 functions and on the processor's CRC-32C instruction: the EVP interface
 * would start OpenSSL's providers, which costs milliseconds and a megabyte of the program. */
#ifndef FREIGHTLAKE_STORAGE_S3_DIGEST_H
#define FREIGHTLAKE_STORAGE_S3_DIGEST_H

#include "base/text.h"

#define SHA256_BYTES 32
#define SHA256_TEXT_SIZE 65 /* hexadecimal, with its NUL */
#define MD5_TEXT_SIZE 33
#define CRC32C_TEXT_SIZE 9 /* base64 of four bytes, with its NUL */

void digest_sha256_text(const void *bytes, size_t size, char text[SHA256_TEXT_SIZE]);
void digest_hmac_sha256(const void *key, size_t key_size, const void *bytes, size_t size, uint8_t mac[SHA256_BYTES]);
void digest_hex(const uint8_t *bytes, size_t size, char *text); /* 2 * size characters and a NUL */
void digest_md5_text(const void *bytes, size_t size, char text[MD5_TEXT_SIZE]);
uint32_t digest_crc32c(const void *bytes, size_t size);
void digest_crc32c_text(const void *bytes, size_t size, char text[CRC32C_TEXT_SIZE]); /* as S3 writes it: base64 */

#endif
