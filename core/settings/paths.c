/* SPDX-License-Identifier: Apache-2.0 */
/* Paths in configuration files, which are relative to the file that holds them;
 * those that begin with ~/ are in the home folder. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/settings/store.h"

/* The two as one string; NULL: out of memory. */
static char *joined(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    char  *out = wf_alloc(n + m + 1);
    if (out == NULL)
        return NULL;
    memcpy(out, a, n);
    memcpy(out + n, b, m + 1);
    return out;
}

char *wf_store_beside(const char *ini, const char *value)
{
    const char *home = strncmp(value, "~/", 2) == 0 ? secure_getenv("HOME") : NULL;
    if (home != NULL && home[0] == '/')
        return joined(home, value + 1);
    while (value[0] == '.' && value[1] == '/' && value[2 + strspn(value + 2, "/")] != '\0')
        value += 2 + strspn(value + 2, "/");
    const char *slash = strrchr(ini, '/');
    size_t      dir = slash != NULL ? (size_t)(slash - ini) + 1 : 0, n = strlen(value);
    char       *out;
    if (value[0] == '/' || n == 0)
        dir = 0;
    out = wf_alloc(dir + n + 1);
    if (out == NULL)
        return NULL;
    memcpy(out, ini, dir);
    memcpy(out + dir, value, n + 1);
    return out;
}

/* The origin of an entry that a file holds is "FILE:LINE", so the directory part of the origin is
 * that of the file. */
weft_status wf_store_resolve(wf_entry *e, char **path, weft_error *err)
{
    bool  file = e->layer >= WF_LAYER_SYSTEM && e->layer <= WF_LAYER_FILE;
    char *full = file ? wf_store_beside(e->origin, *path) : NULL;
    e->resolved = true;
    if (!file)
        return WEFT_OK;
    wf_free(*path);
    *path = full;
    return full != NULL ? WEFT_OK : wf_fail_nomem(err, 1, "a path");
}
