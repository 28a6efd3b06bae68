/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of a test's own, and small things to put into it. */
#ifndef TEST_SCRATCH_H
#define TEST_SCRATCH_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The caller's buffer of 64 bytes. Private to the user, as mkdtemp makes it. */
static inline void scratch_open(char dir[64])
{
    strcpy(dir, "/tmp/weft-plugin-XXXXXX");
    if (mkdtemp(dir) == NULL)
        abort();
}

static inline void scratch_close(const char *dir)
{
    char command[256];
    snprintf(command, sizeof command, "chmod -R u+rwx %s && rm -rf %s", dir, dir);
    if (system(command) != 0)
        abort();
}

static inline size_t slurp(const char *path, unsigned char *buf, size_t cap)
{
    FILE  *f = fopen(path, "rb");
    size_t n = f != NULL ? fread(buf, 1, cap, f) : 0;
    if (f == NULL || n == cap)
        abort();
    fclose(f);
    return n;
}

static inline void spill(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(bytes, 1, n, f) != n || fclose(f) != 0 || chmod(path, 0644) != 0)
        abort();
}

static inline void copy_file(const char *from, const char *to)
{
    static unsigned char buf[1 << 20];
    spill(to, buf, slurp(from, buf, sizeof buf));
}

#endif
