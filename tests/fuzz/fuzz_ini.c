/* SPDX-License-Identifier: Apache-2.0 */
/* The input is a configuration file. What is read, written down plainly and read again, must be
 * the same. */
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/ini.h"

#define CHECK(fact)                                                                                \
    do {                                                                                           \
        if (!(fact))                                                                               \
            __builtin_trap();                                                                      \
    } while (0)

typedef struct plain {
    char       *text;
    size_t      n, cap;
    const char *section; /* the last one written, within text */
    int32_t     entries;
} plain;

static void append(plain *p, const char *format, const char *a, const char *b)
{
    int n = snprintf(p->text + p->n, p->cap - p->n, format, a, b);
    CHECK(n >= 0 && (size_t)n < p->cap - p->n);
    p->n += (size_t)n;
}

static weft_status write_down(void *ctx, const char *section, const char *key, const char *value,
                              int32_t line, weft_error *err)
{
    plain *p = ctx;
    (void)err;
    CHECK(line > 0 && section[0] != '\0' && key[0] != '\0');
    if (p->section == NULL || strncmp(p->section, section, strlen(section)) != 0 ||
        p->section[strlen(section)] != ']') {
        append(p, "[%s]%s", section, "\n");
        p->section = p->text + p->n - strlen(section) - 2;
    }
    append(p, "%s = %s\n", key, value);
    p->entries++;
    return WEFT_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t cap = 4 * size + 64; /* "a=" becomes "a = \n" */
    plain  first = {wf_alloc(cap), 0, cap, NULL, 0}, second = {wf_alloc(cap), 0, cap, NULL, 0};
    char  *text = wf_alloc(size);
    memcpy(text, data, size);
    if (wf_ini_parse(text, size, "input", write_down, &first, NULL) == WEFT_OK) {
        CHECK(wf_ini_parse(first.text, first.n, "again", write_down, &second, NULL) == WEFT_OK);
        CHECK(second.entries == first.entries && second.n == first.n);
        CHECK(memcmp(second.text, first.text, first.n) == 0);
    } else {
        CHECK(first.entries == 0);
    }
    wf_free(text);
    wf_free(first.text);
    wf_free(second.text);
    return 0;
}
