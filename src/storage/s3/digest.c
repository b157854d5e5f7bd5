/* Digests; see digest.h.  HMAC is RFC 2104, base64 RFC 4648, CRC-32C RFC 3720 (Castagnoli's polynomial). */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "storage/s3/digest.h"

#include <nmmintrin.h>
#include <openssl/crypto.h>
#include <openssl/md5.h>
#include <openssl/sha.h>

#define HMAC_BLOCK 64

void digest_hex(const uint8_t *bytes, size_t size, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * size] = '\0';
}

void digest_sha256_text(const void *bytes, size_t size, char text[SHA256_TEXT_SIZE])
{
    uint8_t digest[SHA256_BYTES];
    SHA256(bytes, size, digest);
    digest_hex(digest, sizeof digest, text);
}

void digest_hmac_sha256(const void *key, size_t key_size, const void *bytes, size_t size, uint8_t mac[SHA256_BYTES])
{
    uint8_t block[HMAC_BLOCK] = {0}, pad[HMAC_BLOCK];
    if (key_size > HMAC_BLOCK)
        SHA256(key, key_size, block);
    else if (key_size)
        memcpy(block, key, key_size);
    SHA256_CTX sha;
    for (int i = 0; i < HMAC_BLOCK; i++)
        pad[i] = block[i] ^ 0x36;
    SHA256_Init(&sha);
    SHA256_Update(&sha, pad, sizeof pad);
    SHA256_Update(&sha, bytes, size);
    SHA256_Final(mac, &sha);
    for (int i = 0; i < HMAC_BLOCK; i++)
        pad[i] = block[i] ^ 0x5c;
    SHA256_Init(&sha);
    SHA256_Update(&sha, pad, sizeof pad);
    SHA256_Update(&sha, mac, SHA256_BYTES);
    SHA256_Final(mac, &sha);
    OPENSSL_cleanse(block, sizeof block);
    OPENSSL_cleanse(pad, sizeof pad);
    OPENSSL_cleanse(&sha, sizeof sha);
}

void digest_md5_text(const void *bytes, size_t size, char text[MD5_TEXT_SIZE])
{
    uint8_t digest[MD5_DIGEST_LENGTH];
    MD5(bytes, size, digest);
    digest_hex(digest, sizeof digest, text);
}

uint32_t digest_crc32c(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint64_t crc = 0xffffffff;
    for (; size >= 8; size -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        crc = _mm_crc32_u64(crc, word);
    }
    uint32_t rest = (uint32_t)crc;
    while (size--)
        rest = _mm_crc32_u8(rest, *at++);
    return rest ^ 0xffffffff;
}

void digest_crc32c_text(const void *bytes, size_t size, char text[CRC32C_TEXT_SIZE])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint64_t bits = (uint64_t)digest_crc32c(bytes, size) << 4; /* 36 bits: six digits */
    for (int i = 0; i < 6; i++)
        text[i] = digits[bits >> (30 - 6 * i) & 63];
    memcpy(text + 6, "==", 3);
}
