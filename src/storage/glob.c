/* Glob: which files of the local file system a pattern names.
 *
 * A pattern is cut at its slashes.  Parts without * ? [ are walked into directly; a part with them is matched against a
 * folder's names; a part "**" stands for any number of folders, none included.  A wildcard never matches a name that
 * starts with '.' or '_' unless the part itself starts so: temporary files, _delta_log and _SUCCESS stay out.  "**" does
 * not follow links to folders, so a link that points upward cannot make it endless.
 *
 * Why not glob(3): it knows no "**", sorts by the locale, and cannot tell an unreadable folder from an empty one. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "storage/storage_internal.h"

#define MAX_DEPTH 64 /* of folders below a "**" */

typedef struct Walk {
    StorageList *list;
    char path[PATH_MAX]; /* of the folder or file in hand */
    int depth;
    Error *err;
} Walk;

static Status walk_parts(Walk *walk, size_t length, const char *pattern);

bool glob_has_magic(const char *pattern)
{
    return strpbrk(pattern, "*?[") != NULL;
}

/* Bytes of the UTF-8 character at `text`; a broken one counts as one byte. */
static size_t character_size(const char *text)
{
    unsigned char first = (unsigned char)text[0];
    size_t wanted = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    for (size_t i = 1; i < wanted; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return 1;
    return wanted;
}

/* The set at `pattern` ("[a-c]", "[!x]"): *ret_end gets the place behind it, NULL when it has no end. */
static bool match_set(const char *pattern, unsigned char c, const char **ret_end)
{
    const unsigned char *p = (const unsigned char *)pattern + 1;
    bool negated = *p == '!' || *p == '^';
    p += negated;
    bool found = false;
    for (bool first = true; *p && (first || *p != ']'); first = false) {
        unsigned char low = *p++, high = low;
        if (p[0] == '-' && p[1] && p[1] != ']') {
            high = p[1];
            p += 2;
        }
        found |= low <= c && c <= high;
    }
    *ret_end = *p ? (const char *)p + 1 : NULL;
    return found != negated;
}

bool glob_match(const char *pattern, const char *text)
{
    /* On a mismatch the last star takes one character more; earlier stars need no second try, so time is at most
     * the product of the lengths. */
    const char *star = NULL, *star_text = NULL;
    while (*text || *pattern) {
        if (*pattern == '*') {
            star = ++pattern;
            star_text = text;
            continue;
        }
        if (*text) {
            const char *end = NULL;
            if (*pattern == '?') {
                pattern++;
                text += character_size(text);
                continue;
            }
            if (*pattern == '[') {
                bool matches = match_set(pattern, (unsigned char)*text, &end);
                if (end && matches) {
                    pattern = end;
                    text++;
                    continue;
                }
            }
            if (*pattern == *text && !end) {
                pattern++;
                text++;
                continue;
            }
        }
        if (!star || !*star_text)
            return false;
        star_text += character_size(star_text);
        pattern = star;
        text = star_text;
    }
    return true;
}

bool glob_part_matches(const char *part, const char *name)
{
    int64_t pid;
    if ((name[0] == '.' || name[0] == '_') && part[0] != name[0])
        return false;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || posix_is_temporary_name(name, &pid))
        return false;
    return glob_match(part, name);
}

static void add_if_file(Walk *walk)
{
    struct stat facts;
    if (stat(walk->path, &facts) == 0 && S_ISREG(facts.st_mode))
        storage_list_add(walk->list, walk->path, (uint64_t)facts.st_size,
                         facts.st_mtim.tv_sec * 1000 + facts.st_mtim.tv_nsec / 1000000);
}

/* Puts `name` behind the first `length` bytes of walk->path.  0 when that is longer than a path may be. */
static size_t push_name(Walk *walk, size_t length, const char *name, size_t name_length)
{
    bool slash = length > 0 && walk->path[length - 1] != '/';
    if (length + slash + name_length + 1 > sizeof walk->path)
        return 0;
    if (slash)
        walk->path[length++] = '/';
    memcpy(walk->path + length, name, name_length);
    walk->path[length + name_length] = '\0';
    return length + name_length;
}

typedef Status (*NameVisitor)(Walk *walk, size_t length, const char *part, const char *rest);

/* Visits every name in the folder walk->path[0..length) that `part` matches, with the name put behind the path. */
static Status for_each_name(Walk *walk, size_t length, const char *part, const char *rest, NameVisitor visit)
{
    walk->path[length] = '\0';
    DIR *folder = opendir(length ? walk->path : ".");
    if (!folder) {
        if (errno == ENOENT || errno == ENOTDIR)
            return STATUS_OK;
        return posix_error(walk->err, errno, "reading the folder", walk->path);
    }
    Status status = STATUS_OK;
    struct dirent *entry;
    while (status == STATUS_OK && (entry = readdir(folder))) {
        if (!glob_part_matches(part, entry->d_name))
            continue;
        size_t longer = push_name(walk, length, entry->d_name, strlen(entry->d_name));
        if (longer)
            status = visit(walk, longer, part, rest);
    }
    closedir(folder);
    return status;
}

static Status visit_match(Walk *walk, size_t length, const char *part, const char *rest)
{
    (void)part;
    if (rest)
        return walk_parts(walk, length, rest);
    add_if_file(walk);
    return STATUS_OK;
}

/* Below a "**": the rest of the pattern is tried in this folder and in each one further down. */
static Status visit_any_depth(Walk *walk, size_t length, const char *part, const char *rest)
{
    struct stat facts;
    if (lstat(walk->path, &facts) != 0 || !S_ISDIR(facts.st_mode) || walk->depth == MAX_DEPTH)
        return STATUS_OK;
    TRY(walk_parts(walk, length, rest));
    walk->depth++;
    Status status = for_each_name(walk, length, part, rest, visit_any_depth);
    walk->depth--;
    return status;
}

/* Matches `pattern` (no leading slash) below the folder walk->path[0..length), "" being the current one. */
static Status walk_parts(Walk *walk, size_t length, const char *pattern)
{
    char part[NAME_MAX + 1];
    while (*pattern) {
        size_t n = strcspn(pattern, "/");
        const char *rest = pattern + n;
        while (*rest == '/')
            rest++;
        if (n == 0 || n >= sizeof part)
            return STATUS_OK;
        memcpy(part, pattern, n);
        part[n] = '\0';
        bool last = pattern[n] == '\0';
        if (strcmp(part, "**") == 0) {
            const char *below = last ? "*" : rest;
            TRY(walk_parts(walk, length, below));
            return for_each_name(walk, length, "*", below, visit_any_depth);
        }
        if (glob_has_magic(part))
            return for_each_name(walk, length, part, last ? NULL : rest, visit_match);
        length = push_name(walk, length, part, n);
        if (length == 0)
            return STATUS_OK;
        pattern = rest;
        if (last)
            add_if_file(walk);
    }
    return STATUS_OK;
}

Status posix_glob(const char *pattern, StorageList *list, Error *err)
{
    Walk walk = {.list = list, .err = err};
    struct stat facts;
    size_t length = strlen(pattern);
    if (length + 1 > sizeof walk.path)
        return posix_error(err, ENAMETOOLONG, "listing", pattern);
    if (stat(pattern, &facts) == 0) { /* an existing name is taken as it is, even with a bracket in it */
        memcpy(walk.path, pattern, length + 1);
        if (S_ISDIR(facts.st_mode))
            return for_each_name(&walk, length, "*", NULL, visit_match);
        add_if_file(&walk);
        return STATUS_OK;
    }
    if (errno == EACCES)
        return posix_error(err, errno, "listing", pattern);
    size_t root = strspn(pattern, "/");
    if (root)
        memcpy(walk.path, "/", 2);
    return walk_parts(&walk, root ? 1 : 0, pattern + root);
}

void posix_explain_no_match(const char *pattern, Error *err)
{
    struct stat facts;
    if (stat(pattern, &facts) == 0) {
        if (S_ISDIR(facts.st_mode))
            error_hint(err, "the folder has no files directly in it; '%s/**' also looks into its folders", pattern);
        else
            error_hint(err, "it is not a plain file");
        return;
    }
    /* The first part of the path that is not there is what the user has to mend. */
    char path[PATH_MAX];
    for (const char *end = pattern + strspn(pattern, "/");; end++) {
        size_t length = (size_t)(end - pattern);
        if (length + 1 > sizeof path)
            return;
        if (*end == '/' || *end == '\0') {
            memcpy(path, pattern, length);
            path[length] = '\0';
            if (glob_has_magic(path)) {
                error_hint(err, "the folder is there, but no file in it matches; look at the pattern's spelling");
                return;
            }
            if (length && stat(path, &facts) != 0) {
                error_hint(err, "there is no '%s'", path);
                return;
            }
            if (*end == '\0')
                return;
        }
    }
}
