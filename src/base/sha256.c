/* Sha256; see sha256.h.  OpenSSL's context is filled and emptied around each call, so that a lane and it can take turns. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/sha256.h"

#include <cpuid.h>
#include <openssl/sha.h>
#include <string.h>

/* FIPS 180-4, section 4.2.2. */
_Alignas(64) const uint32_t SHA256_ROUND_CONSTANTS[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static SHA256_CTX to_context(const Sha256 *sha)
{
    SHA256_CTX context;
    SHA256_Init(&context);
    memcpy(context.h, sha->state, sizeof sha->state);
    context.Nl = (SHA_LONG)(sha->bytes << 3);
    context.Nh = (SHA_LONG)(sha->bytes >> 29);
    context.num = (unsigned)(sha->bytes % SHA256_BLOCK_BYTES);
    memcpy(context.data, sha->pending, context.num);
    return context;
}

static void from_context(Sha256 *sha, const SHA256_CTX *context)
{
    memcpy(sha->state, context->h, sizeof sha->state);
    memcpy(sha->pending, context->data, context->num);
}

void sha256_init(Sha256 *sha)
{
    SHA256_CTX context;
    SHA256_Init(&context);
    *sha = (Sha256){.bytes = 0};
    from_context(sha, &context);
}

void sha256_update(Sha256 *sha, const void *bytes, size_t size)
{
    SHA256_CTX context = to_context(sha);
    SHA256_Update(&context, bytes, size);
    from_context(sha, &context);
    sha->bytes += size;
}

void sha256_end(Sha256 *sha, char hex[SHA256_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256_CTX context = to_context(sha);
    SHA256_Final(digest, &context);
    for (int i = 0; i < SHA256_DIGEST_LENGTH; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[SHA256_HEX_SIZE - 1] = '\0';
}

/* Intel's manual, CPUID: leaf 7, EBX bit 29.  The compilers' __builtin_cpu_supports have no name for it.  Asked once: on a
 * virtual machine the instruction is slow. */
bool sha256_lane_is_there(void)
{
    static _Atomic int answer; /* 0: not asked yet */
    if (answer == 0) {
        unsigned a, b, c, d;
        bool has = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 29 & 1) && __builtin_cpu_supports("sse4.1");
        answer = has ? 1 : -1;
    }
    return answer > 0;
}
