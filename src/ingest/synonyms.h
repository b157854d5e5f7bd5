/* Synonyms: what clients call the columns of a shipment, and the words they write in them. */
#ifndef FREIGHTLAKE_INGEST_SYNONYMS_H
#define FREIGHTLAKE_INGEST_SYNONYMS_H

#include "base/text.h"
#include "shipment/shipment.h"

#define NAME_MAX_TOKENS 16

/* A column's name as lower-case words: "Weight (Kilograms)" -> weight, kilograms; "shipTo.cityName" -> ship, to, city,
 * name; "#" -> number. */
typedef struct NameTokens {
    const char *words[NAME_MAX_TOKENS];
    bool bracketed[NAME_MAX_TOKENS]; /* stood in brackets */
    uint32_t n;
} NameTokens;
void name_tokens(StrView name, Arena *arena, NameTokens *ret_tokens);

/* 0..1: how much the name speaks for the column. */
double name_score(ShipmentColumnId column, const NameTokens *tokens);

/* The contract's word for a client's word, of delivery_status and transport_mode; NULL: not known. */
const char *word_translation(ShipmentColumnId column, StrView word, Arena *arena);
bool is_known_carrier(StrView text);
/* "N/A", "-", "null", "tbd": texts that mean no value wherever they stand. */
bool is_null_word(StrView text);
/* The ISO 4217 code that a word or sign names ("USD", "$", "eur"); NULL: none. */
const char *currency_code(StrView word);

#endif
