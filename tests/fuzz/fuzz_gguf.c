/* SPDX-License-Identifier: Apache-2.0 */
/* The input is a GGUF file. What opens must keep its promises: keys and names sorted and found
 * again, bytes within the file, values readable; and what opens as a model must give its tensors
 * and its JSON. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/model/gguf.h"

#define CHECK(fact)                                                                                \
    do {                                                                                           \
        if (!(fact))                                                                               \
            __builtin_trap();                                                                      \
    } while (0)

static weft_status look(void *ctx, const wf_gguf_scalar *s, weft_error *err)
{
    (void)ctx;
    (void)err;
    CHECK(s->kind >= 0 && s->kind < WF_GGUF_KINDS && s->kind != WF_GGUF_ARRAY);
    CHECK(s->kind != WF_GGUF_STRING || s->text[s->n] == '\0');
    return WEFT_OK;
}

static void file_check(const wf_gguf_file *f)
{
    for (uint64_t i = 0; i < f->n_values; i++) {
        const wf_gguf_value *v = &f->values[i];
        CHECK(wf_gguf_find(f, v->key) == v);
        CHECK(i == 0 || strcmp(f->values[i - 1].key, v->key) < 0);
        CHECK(v->at <= f->file.bytes && v->size <= f->file.bytes - v->at);
        weft_status status = wf_gguf_each(f, v, look, NULL, NULL);
        CHECK(status == WEFT_OK || v->item == WF_GGUF_BOOL); /* bools of arrays are not looked at */
    }
    for (uint64_t i = 0; i < f->n_tensors; i++) {
        const wf_gguf_tensor *t = &f->tensors[i];
        CHECK(wf_gguf_tensor_find(f, t->name) == t);
        CHECK(t->rank >= 0 && t->rank <= WF_GGUF_MAX_RANK);
        CHECK(t->bytes <= f->file.bytes && t->begin <= f->file.bytes - t->bytes);
        CHECK(t->begin % f->alignment == 0);
    }
}

static void rows_check(const wf_gguf_model *m)
{
    const wf_st_file *f;
    uint8_t           bytes[256];
    for (uint32_t i = 0; (f = wf_gguf_part(m, i)) != NULL; i++)
        for (uint64_t k = 0; k < f->n_tensors; k++) {
            const wf_st_tensor *t = &f->tensors[k];
            uint64_t            n = t->bytes < sizeof bytes ? t->bytes : sizeof bytes;
            CHECK(wf_st_find(f, t->name) == t);
            CHECK(wf_st_read(f, t, 0, bytes, n, NULL) == WEFT_OK);
            CHECK(wf_st_read(f, t, t->bytes - n, bytes, n, NULL) == WEFT_OK);
            CHECK(wf_st_read(f, t, t->bytes - n + 1, bytes, n, NULL) != WEFT_OK);
        }
}

static void model_check(const char *path, bool loose)
{
    wf_gguf_model *m;
    json_t        *json;
    char          *text;
    uint64_t       n;
    if (wf_gguf_model_open(path, loose, &m, NULL) != WEFT_OK)
        return;
    if (!loose)
        rows_check(m);
    if (wf_gguf_config(m, &json, NULL) == WEFT_OK)
        json_decref(json);
    if (wf_gguf_tokenizer_config(m, &json, NULL) == WEFT_OK)
        json_decref(json);
    if (wf_gguf_text_json(m, &text, &n, NULL) == WEFT_OK) {
        json = json_loadb(text, n, JSON_ALLOW_NUL, NULL);
        CHECK(json != NULL);
        json_decref(json);
        wf_free(text);
    }
    wf_gguf_model_close(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int   fd = -1;
    char         path[64];
    wf_gguf_file f;
    weft_error   err = WF_ERROR_INIT;
    if (fd < 0)
        fd = memfd_create("input", MFD_CLOEXEC);
    CHECK(fd >= 0 && ftruncate(fd, 0) == 0);
    CHECK(pwrite(fd, data, size, 0) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (wf_gguf_open(path, &f, &err) != WEFT_OK) {
        CHECK(err.message[0] != '\0' && strstr(err.message, path) != NULL);
        return 0;
    }
    file_check(&f);
    wf_gguf_close(&f);
    model_check(path, false);
    model_check(path, true);
    return 0;
}
