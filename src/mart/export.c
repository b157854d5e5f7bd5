/* Export of marts; see export.h.
 *
 * What another engine needs to make a mart and to test it stands in the manifest, so that it neither parses YAML nor knows how
 * a test becomes SQL; the single files are for people, for --marts and for tools that take SQL by the file. */
#include "mart/export.h"

#include <string.h>

#include "mart/run.h"
#include "storage/storage.h"

/* ---- The manifest ---- */

static void append_text(Buffer *json, const char *name, const char *text)
{
    buffer_printf(json, "\"%s\":", name);
    if (text)
        text_append_json(json, str_view(text));
    else
        buffer_append_text(json, "null");
}

static void append_check(Buffer *json, const Mart *mart, const MartCheck *check)
{
    buffer_append_byte(json, '{');
    append_text(json, "rule", check->rule);
    append_text(json, ",\"reads" + 1, NULL);
    (void)mart;
    buffer_append_byte(json, '}');
}
