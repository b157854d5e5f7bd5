/* Names of clients and tables, and where tables lie. */
#include <string.h>
#include <time.h>

#include "lake/lake.h"

const char *lake_table_path(const Lake *lake, const char *name, Arena *arena)
{
    if (strcmp(name, "shipments") == 0)
        return arena_printf(arena, "%s/shipments", lake->processed);
    if (strcmp(name, "quarantine") == 0)
        return arena_printf(arena, "%s/shipments", lake->quarantine);
    return arena_printf(arena, "%s/%s", lake->marts, name);
}

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

Status lake_check_client(const char *client, Error *err)
{
    size_t n = strlen(client);
    bool good = n > 0 && n <= 64 && is_letter_or_digit(client[0]);
    for (size_t i = 0; i < n && good; i++)
        good = is_letter_or_digit(client[i]) || client[i] == '-' || client[i] == '_';
    if (good)
        return STATUS_OK;
    error_set(err, STATUS_USAGE, "'%.80s' cannot be a client's name", client);
    return error_hint(err, "letters, digits, '-' and '_', at most 64 of them, starting with a letter or digit");
}

int64_t lake_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
