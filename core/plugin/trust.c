/* SPDX-License-Identifier: Apache-2.0 */
/* Who could have written a file that searching found? It and every directory above it must belong
 * to root or the user who runs us, and be writable by nobody else (a sticky directory such as /tmp
 * lets others add names but not replace ours). The same rule as sudo's and sshd's. */
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/plugin/found.h"

static weft_status judge(const char *path, const struct stat *st, bool directory, weft_error *err)
{
    if (st->st_uid != 0 && st->st_uid != geteuid())
        return wf_fail(
            err, WEFT_E_INVALID,
            "%s: not trusted: it belongs to user %u, neither you nor root; chown it or name "
            "the file with --plugin",
            path, (unsigned)st->st_uid);
    if (directory && (st->st_mode & S_ISVTX) != 0)
        return WEFT_OK;
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return wf_fail(err, WEFT_E_INVALID, "%s: not trusted: others can write to it; chmod %s %s",
                       path, (st->st_mode & S_IWOTH) != 0 ? "go-w" : "g-w", path);
    return WEFT_OK;
}

weft_status wf_trust_check(const char *resolved, weft_error *err)
{
    char        path[PATH_MAX];
    size_t      n = strlen(resolved);
    struct stat st;
    weft_status status = WEFT_OK;
    if (n == 0 || n >= sizeof path || resolved[0] != '/')
        return wf_fail(err, WEFT_E_INVALID, "%s: not a full path", resolved);
    memcpy(path, resolved, n + 1);
    for (bool directory = false; status == WEFT_OK; directory = true) {
        if (lstat(path, &st) != 0 || S_ISLNK(st.st_mode))
            return wf_fail(err, WEFT_E_IO, "%s: not trusted: it changed while it was looked at",
                           path);
        status = judge(path, &st, directory, err);
        if (path[1] == '\0')
            break;
        char *slash = strrchr(path, '/');
        slash[slash == path ? 1 : 0] = '\0';
    }
    return status;
}
