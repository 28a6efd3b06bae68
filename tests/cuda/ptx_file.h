/* SPDX-License-Identifier: Apache-2.0 */
/* Modules that the build made, read from FOLDER/NAME.ptx. */
#ifndef PTX_FILE_H
#define PTX_FILE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ptx/ptx.h"

/* The file's bytes with a 0 behind; the caller's to free. Ends the test where it cannot be read. */
static inline char *ptx_text(const char *folder, const char *name, size_t *bytes)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.ptx", folder, name);
    FILE *f = fopen(path, "rb");
    char *text = f != NULL ? malloc(1u << 24) : NULL;
    if (text == NULL) {
        fprintf(stderr, "%s cannot be read\n", path);
        exit(1);
    }
    *bytes = fread(text, 1, (1u << 24) - 1, f);
    text[*bytes] = 0;
    fclose(f);
    return text;
}

static inline ptx_module *ptx_module_file(ptx_memory *m, const char *folder, const char *name)
{
    char        why[256];
    size_t      bytes = 0;
    char       *text = ptx_text(folder, name, &bytes);
    ptx_module *x = ptx_module_new(m, text, bytes, why);
    free(text);
    if (x == NULL) {
        fprintf(stderr, "%s/%s.ptx: %s\n", folder, name, why);
        exit(1);
    }
    return x;
}

#endif
