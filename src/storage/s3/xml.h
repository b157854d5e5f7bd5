/* The few XML answers of S3 and STS, as text by path ("ListBucketResult/Contents/Key").  Pure functions over expat. */
#ifndef FREIGHTLAKE_STORAGE_S3_XML_H
#define FREIGHTLAKE_STORAGE_S3_XML_H

#include "base/text.h"

/* Called at the end of each element with its path and its own text. */
typedef void (*XmlVisit)(void *context, const char *path, const char *text);

/* CORRUPT, with the line as row, where the text is no XML (or more deeply nested than any answer of S3). */
Status xml_walk(StrView xml, XmlVisit visit, void *context, Error *err) MUST_CHECK;
/* The text of the first element at `path`, in `arena`; NULL when there is none or the text is no XML. */
const char *xml_find(StrView xml, const char *path, Arena *arena);
void xml_append_escaped(Buffer *xml, const char *text);

/* "2026-11-23T12:00:00.000Z" and "Mon, 23 Nov 2026 12:00:00 GMT" to milliseconds since 1970; false for another form. */
bool instant_from_iso(const char *text, int64_t *ret_ms);
bool instant_from_http(const char *text, int64_t *ret_ms);

#endif
