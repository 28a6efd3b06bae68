/* SPDX-License-Identifier: Apache-2.0 */
/* Paths relative to a document's folder. */
#include "chat/relative.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The folder that a path is in, links followed; the caller frees it. NULL: it is not there. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char       *name = slash == NULL   ? strdup(".")
                       : slash == path ? strdup("/")
                                       : strndup(path, (size_t)(slash - path));
    char       *real = name != NULL ? realpath(name, NULL) : NULL;
    free(name);
    return real;
}

/* Bytes that both begin with, whole names alone. */
static size_t common(const char *folder, const char *file)
{
    size_t n = 0, whole = 0;
    while (folder[n] != '\0' && folder[n] == file[n]) {
        n++;
        if (folder[n - 1] == '/')
            whole = n;
    }
    return folder[n] == '\0' && file[n] == '/' ? n + 1 : whole;
}

/* "../" for each name of the folder beyond `from`, then the rest of the file's path. */
static char *climb(const char *folder, const char *file, size_t from)
{
    size_t up = 0, n = strlen(folder);
    if (from < n)
        up = 1;
    for (size_t i = from; i < n; i++)
        up += folder[i] == '/';
    char *out = malloc(3 * up + strlen(file + from) + 1);
    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < up; i++)
        memcpy(out + 3 * i, "../", 3);
    strcpy(out + 3 * up, file + from);
    return out;
}

char *cli_relative(const char *document, const char *path)
{
    char *folder = folder_of(document), *file = realpath(path, NULL), *out;
    if (folder != NULL && file != NULL)
        out = climb(folder, file, common(folder, file));
    else
        out = strdup(path);
    free(folder);
    free(file);
    return out;
}

char *cli_beside(const char *document, const char *name)
{
    const char *slash = strrchr(document, '/');
    char       *out = NULL;
    if (name[0] == '/' || slash == NULL)
        return strdup(name);
    if (asprintf(&out, "%.*s%s", (int)(slash + 1 - document), document, name) < 0)
        return NULL;
    return out;
}
