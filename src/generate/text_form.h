/* TextForm: blocks of rows as CSV or NDJSON lines.
 *
 * Every column's values are text beforehand, separators and JSON keys included, so a line is a row of short copies. */
#ifndef FREIGHTLAKE_GENERATE_TEXT_FORM_H
#define FREIGHTLAKE_GENERATE_TEXT_FORM_H

#include "generate/model.h"

typedef struct TextForm {
    const Model *model;
    StrView texts_null_id; /* unique ids only: column 0 when the id is missing */
    char id_prefix[72];    /* a key of up to 63 bytes and a quote */
    char id_suffix[8];
    size_t longest_line;
} TextForm;

/* Renders the model's domains (so call it once, before any thread starts). */
void text_form_init(TextForm *form, const Model *model, DomainText text, Arena *arena);
/* Appends the CSV header line. */
void text_form_header(const Model *model, Buffer *buffer);
void text_form_append(const TextForm *form, const Block *block, Buffer *buffer);

#endif
