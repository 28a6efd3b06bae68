/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of its own for a test program, files in it, and the checks that every message of a
 * failure must pass. Include after cmocka.h. */
#ifndef TEST_SCRATCH_H
#define TEST_SCRATCH_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/status.h"
#include "tests/support/address.h"

static char scratch[256];

static inline int scratch_make(void **state)
{
    const char *tmp = getenv("TMPDIR");
    (void)state;
    snprintf(scratch, sizeof(scratch), "%s/weft-test-XXXXXX", tmp != NULL ? tmp : "/tmp");
    return mkdtemp(scratch) == NULL;
}

/* The path of a name in the directory; four may be in use at once. */
static inline const char *scratch_path(const char *name)
{
    static char     paths[4][4400];
    static uint32_t next;
    char           *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", scratch, name);
    return path;
}

static inline const char *scratch_put(const char *name, const void *bytes, size_t n)
{
    const char *path = scratch_path(name);
    FILE       *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    return path;
}

/* Removes what a folder of it ("": itself) holds, not the folders in it. Returns how many there
 * were. */
static inline int32_t scratch_empty(const char *folder)
{
    char           path[4400];
    int32_t        n = 0;
    DIR           *d = opendir(scratch_path(folder));
    struct dirent *e;
    assert_non_null(d);
    while ((e = readdir(d)) != NULL) {
        snprintf(path, sizeof(path), "%s/%s/%s", scratch, folder, e->d_name);
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            n++;
            (void)unlink(path);
        }
    }
    closedir(d);
    return n;
}

static inline int scratch_remove(void **state)
{
    (void)state;
    scratch_empty("");
    return rmdir(scratch);
}

/* The failure has this status, and its message is one line that names the file and what is wrong,
 * and shows no address. */
static inline void assert_failure(weft_status got, const weft_error *err, weft_status want,
                                  const char *file, const char *what)
{
    if (got != want || strstr(err->message, file) == NULL || strstr(err->message, what) == NULL)
        fail_msg("status %s, message \"%s\"; wanted %s with \"%s\" and \"%s\"", wf_status_name(got),
                 err->message, wf_status_name(want), file, what);
    assert_int_equal(err->code, want);
    assert_false(has_address(err->message));
    assert_null(strchr(err->message, '\n'));
}

#endif
