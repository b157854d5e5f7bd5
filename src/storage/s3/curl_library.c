/* Loading libcurl; see curl_library.h.  A library of another TLS flavour has the same interface and does as well. */
#include "storage/s3/curl_library.h"

#include <dlfcn.h>
#include <pthread.h>

CurlLibrary curl_library;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static Error load_error;

static void *open_library(void)
{
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        if (library)
            return library;
    }
    return NULL;
}

static void load(void)
{
    error_init(&load_error);
    void *library = open_library();
    bool whole = library != NULL;
#define X(name)                                                                                                        \
    if (whole) {                                                                                                       \
        *(void **)&curl_library.name = dlsym(library, "curl_" #name);                                                  \
        whole = curl_library.name != NULL;                                                                             \
    }
    CURL_FUNCTIONS(X)
#undef X
    if (whole && curl_library.global_init(CURL_GLOBAL_DEFAULT) == 0)
        return;
    error_set(&load_error, STATUS_UNSUPPORTED, "S3 needs libcurl 7.68 or newer, which could not be loaded");
    error_hint(&load_error, "install it: apt-get install libcurl4");
}

Status curl_library_load(Error *err)
{
    pthread_once(&once, load);
    if (load_error.code == STATUS_OK)
        return STATUS_OK;
    *err = load_error;
    return err->code;
}
