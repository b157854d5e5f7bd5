/* YAML: a document as a tree of nodes that know their line, for configuration files.
 *
 * libyaml parses; this adds what a person's file needs: every error names file, line and the key's path, unknown keys are
 * refused with the nearest known one, values are checked for type and range.  Anchors and aliases are refused, as are
 * duplicate keys. */
#ifndef FREIGHTLAKE_TEXT_YAML_H
#define FREIGHTLAKE_TEXT_YAML_H

#include "base/text.h"

#define YAML_MAX_BYTES ((size_t)1 << 20)
#define YAML_MAX_DEPTH 32

typedef enum YamlKind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING } YamlKind;

typedef struct YamlNode YamlNode;
struct YamlNode {
    YamlKind kind;
    int64_t line;     /* 1-based */
    const char *path; /* "columns.weight.unit", "rules[2]", for messages */
    const char *text; /* SCALAR */
    bool quoted;      /* SCALAR: in quotes, so never null or boolean */
    uint32_t n;       /* SEQUENCE: items; MAPPING: entries */
    const char **keys;
    const YamlNode **children;
};

typedef struct YamlDocument {
    const char *file; /* for messages */
    const YamlNode *root;
} YamlDocument;

/* In `arena`.  An empty document has a root that is an empty MAPPING.  Errors are CONFIG with file and line (as row). */
Status yaml_parse(const char *file, StrView text, Arena *arena, YamlDocument *ret_document, Error *err) MUST_CHECK;

/* CONFIG at the node's place: "columns.weight: ..." */
Status yaml_error(const YamlDocument *document, const YamlNode *node, Error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Members of a MAPPING: NULL when the key is not there or its value is null. */
const YamlNode *yaml_get(const YamlNode *mapping, const char *key);
bool yaml_is_null(const YamlNode *node); /* NULL itself, `~`, `null`, empty and not quoted */
/* Refuses keys other than these, with the nearest as a hint; also when the node is no MAPPING. */
Status yaml_check_keys(const YamlDocument *document, const YamlNode *node, const char *const *known, size_t n,
                       Error *err) MUST_CHECK;

/* Each leaves *ret alone when the key is not there, and fails with CONFIG when its value is of another form. */
Status yaml_text(const YamlDocument *document, const YamlNode *mapping, const char *key, const char **ret, Error *err)
    MUST_CHECK;
Status yaml_boolean(const YamlDocument *document, const YamlNode *mapping, const char *key, bool *ret, Error *err)
    MUST_CHECK;
Status yaml_integer(const YamlDocument *document, const YamlNode *mapping, const char *key, int64_t lowest,
                    int64_t highest, int64_t *ret, Error *err) MUST_CHECK;
Status yaml_number(const YamlDocument *document, const YamlNode *mapping, const char *key, double lowest,
                   double highest, double *ret, Error *err) MUST_CHECK;
/* Position in `choices`, with "did you mean" otherwise. */
Status yaml_choice(const YamlDocument *document, const YamlNode *mapping, const char *key, const char *const *choices,
                   size_t n, uint32_t *ret, Error *err) MUST_CHECK;

/* Appends the document without its comments, all else as it is written.  CONFIG when it is no YAML. */
Status yaml_strip_comments(const char *file, StrView text, Buffer *buffer, Error *err) MUST_CHECK;

/* Appends a scalar as YAML, quoted where it must be. */
void yaml_append_scalar(Buffer *buffer, StrView text);

#endif
