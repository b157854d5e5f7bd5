/* libcurl, loaded at the first use of S3.
 *
 * Why not linked: libcurl brings some thirty shared libraries along, which the dynamic loader would bind at every start,
 * also of a program that never leaves its disk.  Loaded late, they cost nothing until a path says s3://. */
#ifndef FREIGHTLAKE_STORAGE_S3_CURL_LIBRARY_H
#define FREIGHTLAKE_STORAGE_S3_CURL_LIBRARY_H

#include <curl/curl.h>

#include "base/status.h"

#define CURL_FUNCTIONS(X)                                                                                              \
    X(global_init)                                                                                                     \
    X(easy_init)                                                                                                       \
    X(easy_setopt)                                                                                                     \
    X(easy_getinfo)                                                                                                    \
    X(easy_reset)                                                                                                      \
    X(easy_cleanup)                                                                                                    \
    X(easy_strerror)                                                                                                   \
    X(multi_init)                                                                                                      \
    X(multi_setopt)                                                                                                    \
    X(multi_add_handle)                                                                                                \
    X(multi_remove_handle)                                                                                             \
    X(multi_perform)                                                                                                   \
    X(multi_poll)                                                                                                      \
    X(multi_wakeup)                                                                                                    \
    X(multi_info_read)                                                                                                 \
    X(multi_cleanup)                                                                                                   \
    X(slist_append)                                                                                                    \
    X(slist_free_all)

/* curl_library.easy_init is curl_easy_init, and so on.  Valid once curl_library_load has returned OK. */
typedef struct CurlLibrary {
#define X(name) __typeof__(&curl_##name) name;
    CURL_FUNCTIONS(X)
#undef X
} CurlLibrary;

extern CurlLibrary curl_library;

/* Thread-safe; the same answer each time.  UNSUPPORTED with the package to install where libcurl is missing. */
Status curl_library_load(Error *err) MUST_CHECK;

#endif
