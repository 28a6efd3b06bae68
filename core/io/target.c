/* SPDX-License-Identifier: Apache-2.0 */
/* Links are followed one by one, since a link to /dev/stdout names a descriptor too, which opening
 * the file behind it would lose. */
#include "core/io/target.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/io/text.h"

#define LINKS_MOST 40 /* as the kernel has it */

static int number_of(const char *digits)
{
    size_t n = strlen(digits);
    bool   ok = n > 0 && n < 10 && strspn(digits, "0123456789") == n;
    return ok ? (int)strtol(digits, NULL, 10) : -1;
}

static int descriptor_of(const char *path)
{
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    if (strcmp(path, "/dev/stdout") == 0)
        return STDOUT_FILENO;
    if (strcmp(path, "/dev/stderr") == 0)
        return STDERR_FILENO;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (strncmp(path, folders[i], strlen(folders[i])) == 0)
            return number_of(path + strlen(folders[i]));
    return -1;
}

/* What the link at path says, as a path from here; NULL: it cannot be read. */
static char *follow(const char *path)
{
    char        to[PATH_MAX];
    ssize_t     n = readlink(path, to, sizeof to - 1);
    const char *slash = strrchr(path, '/');
    if (n < 0)
        return NULL;
    to[n] = '\0';
    size_t folder = to[0] == '/' || slash == NULL ? 0 : (size_t)(slash - path) + 1;
    char  *joined = wf_alloc(folder + (size_t)n + 1);
    if (joined == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    memcpy(joined, path, folder);
    memcpy(joined + folder, to, (size_t)n + 1);
    return joined;
}

static weft_status follow_all(wf_target *t, weft_error *err)
{
    struct stat st;
    for (int i = 0; i < LINKS_MOST; i++) {
        t->descriptor = descriptor_of(t->path);
        if (t->descriptor >= 0 || lstat(t->path, &st) != 0 || !S_ISLNK(st.st_mode))
            return WEFT_OK;
        char *next = follow(t->path);
        if (next == NULL)
            return wf_fail_errno(err, errno == ENOMEM ? WEFT_E_NOMEM : WEFT_E_IO, t->path,
                                 "cannot be followed");
        wf_free(t->path);
        t->path = next;
    }
    errno = ELOOP;
    return wf_fail_errno(err, WEFT_E_IO, t->path, "cannot be written");
}

static weft_status examine(wf_target *t, const char *path, weft_error *err)
{
    struct stat st;
    if (t->descriptor >= 0 || stat(t->path, &st) != 0)
        return WEFT_OK;
    if (S_ISDIR(st.st_mode))
        return wf_fail(err, WEFT_E_INVALID, "%s: is a folder; name a file", wf_quote(path).s);
    t->stream = !S_ISREG(st.st_mode);
    t->exists = !t->stream;
    t->mode = st.st_mode & 0777;
    t->uid = st.st_uid;
    t->gid = st.st_gid;
    /* Renaming over it would not ask. */
    if (t->exists && access(t->path, W_OK) != 0)
        return wf_fail_errno(err, WEFT_E_IO, path, "cannot be written");
    return WEFT_OK;
}

weft_status wf_target_find(const char *path, wf_target *out, weft_error *err)
{
    *out = (wf_target){.path = wf_strdup(path), .descriptor = -1};
    if (out->path == NULL)
        return wf_fail_nomem(err, strlen(path) + 1, "a file name");
    weft_status status = follow_all(out, err);
    if (status == WEFT_OK)
        status = examine(out, path, err);
    if (status != WEFT_OK) {
        wf_free(out->path);
        out->path = NULL;
    }
    return wf_fail_stage(err, status, status == WEFT_E_INVALID ? WEFT_STAGE_USAGE : 0);
}
