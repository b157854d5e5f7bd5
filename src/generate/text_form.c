/* CSV and NDJSON lines: see text_form.h.
 *
 * CSV follows RFC 4180 with LF line ends: a header, fields quoted only where they must be, NULL as nothing.  NDJSON has
 * one object a line with every key, NULL as null. */
#include "generate/text_form.h"

#include <stdio.h>

#define SHORT_COPY 32 /* most values fit: one fixed copy is faster than a measured one */

_Static_assert(SHORT_COPY <= DOMAIN_TEXT_SLACK, "a short copy must not read past a domain's texts");

void text_form_init(TextForm *form, const Model *model, DomainText text, Arena *arena)
{
    *form = (TextForm){.model = model};
    for (uint32_t i = 0; i < model->schema.n; i++) {
        const char *name = model->schema.fields[i].name;
        bool last = i + 1 == model->schema.n;
        char key[64] = "";
        if (text == DOMAIN_JSON)
            snprintf(key, sizeof key, "%s\"%s\":", i == 0 ? "{" : "", name);
        const char *suffix = !last ? "," : text == DOMAIN_JSON ? "}\n" : "\n";
        if (model->domains[i]) {
            domain_render(model->domains[i], arena, text, key, suffix);
            form->longest_line += model->domains[i]->longest_text;
            continue;
        }
        const char *quote = text == DOMAIN_JSON ? "\"" : "";
        snprintf(form->id_prefix, sizeof form->id_prefix, "%s%s", key, quote);
        snprintf(form->id_suffix, sizeof form->id_suffix, "%s%s", quote, suffix);
        form->texts_null_id = str_view(
            arena_printf(arena, "%s%s%s%*s", key, text == DOMAIN_JSON ? "null" : "", suffix, DOMAIN_TEXT_SLACK, ""));
        form->texts_null_id.size -= DOMAIN_TEXT_SLACK;
        form->longest_line += sizeof form->id_prefix + sizeof form->id_suffix + 24;
    }
    form->longest_line *= 2; /* a line with a column too many has one of them twice */
}

void text_form_header(const Model *model, Buffer *buffer)
{
    for (uint32_t i = 0; i < model->schema.n; i++) {
        if (i > 0)
            buffer_append_byte(buffer, ',');
        buffer_append_text(buffer, model->schema.fields[i].name);
    }
    buffer_append_byte(buffer, '\n');
}

static inline char *put(char *out, StrView text)
{
    if (LIKELY(text.size <= SHORT_COPY))
        memcpy(out, text.data, SHORT_COPY);
    else
        memcpy(out, text.data, text.size);
    return out + text.size;
}

static char *put_text(char *out, const char *text)
{
    size_t length = strlen(text);
    memcpy(out, text, length);
    return out + length;
}

static char *put_serial(const TextForm *form, char *out, uint64_t serial)
{
    if (serial == 0)
        return put(out, form->texts_null_id);
    out = put_text(out, form->id_prefix);
    out += model_serial_text(out, serial);
    return put_text(out, form->id_suffix);
}

static char *put_row(const TextForm *form, const Block *block, uint32_t row, char *out)
{
    const Model *model = form->model;
    uint32_t column = 0;
    if (!model->domains[0]) {
        out = put_serial(form, out, block->serials[row]);
        column = 1;
    }
    for (; column < model->schema.n; column++) {
        StrView text = model->domains[column]->texts[block->ordinals[column][row]];
        if (UNLIKELY(block->has_shapes) && column == 1 && block->shapes[row] != LINE_WHOLE) {
            if (block->shapes[row] == LINE_SHORT)
                continue;
            out = put(out, text);
        }
        out = put(out, text);
    }
    return out;
}

void text_form_append(const TextForm *form, const Block *block, Buffer *buffer)
{
    for (uint32_t row = 0; row < block->n; row++) {
        uint8_t *room = buffer_reserve(buffer, form->longest_line + SHORT_COPY);
        CHECK(room != NULL); /* these buffers have no maximum */
        char *end = put_row(form, block, row, (char *)room);
        buffer->size = (size_t)((uint8_t *)end - buffer->data);
    }
}
