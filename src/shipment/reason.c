/* The table of reason codes in memory. */
#include "shipment/reason.h"

const char *reason_code(ReasonCode reason)
{
    static const char *const codes[REASON_COUNT] = {
#define X(id, code, meaning) code,
        REASON_TABLE(X)
#undef X
    };
    CHECK(reason < REASON_COUNT);
    return codes[reason];
}

const char *reason_meaning(ReasonCode reason)
{
    static const char *const meanings[REASON_COUNT] = {
#define X(id, code, meaning) meaning,
        REASON_TABLE(X)
#undef X
    };
    CHECK(reason < REASON_COUNT);
    return meanings[reason];
}
