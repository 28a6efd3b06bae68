/* SPDX-License-Identifier: Apache-2.0 */
/* weft.package/1: files of a model directory by plain name, and values out of its JSON. */
#include <string.h>

#include "core/base/mem.h"
#include "core/host/lent.h"

#define PATH_CAP 4096

/* The plugin's view is const; opening shards and parsing are caches behind it. */
static weft_package *mine(const weft_package *p)
{
    return (weft_package *)(uintptr_t)p;
}

static int64_t file_read_at(void *ctx, uint64_t offset, void *dst, uint64_t n)
{
    const wf_file *f = &((wf_host_file *)ctx)->file;
    uint64_t       left = offset < f->bytes ? f->bytes - offset : 0;
    uint64_t       take = n < left ? n : left;
    const char    *text = ((wf_host_file *)ctx)->text;
    weft_status    st = WEFT_OK;
    if (take != 0 && text != NULL)
        memcpy(dst, text + offset, (size_t)take);
    else if (take != 0)
        st = wf_file_read(f, offset, dst, take, NULL);
    return st == WEFT_OK ? (int64_t)take : st;
}

static int64_t file_length(void *ctx)
{
    return (int64_t)((wf_host_file *)ctx)->file.bytes;
}

static weft_status package_open(const weft_host *h, const weft_package *p, const char *file,
                                weft_source *out, weft_error *err)
{
    char          path[PATH_CAP];
    wf_lent      *plugin = wf_lent_of(h);
    wf_host_file *f;
    weft_error    why = WF_ERROR_INIT;
    weft_status   st;
    if (p == NULL || file == NULL || !WEFT_HAS(out, weft_source, length))
        return wf_misuse(err, "package.open: a package, a file name and a weft_source with "
                              "its size set are needed");
    f = wf_zalloc(sizeof *f);
    if (f == NULL)
        return wf_fail_nomem(err, sizeof *f, "a file");
    f->file.fd = -1;
    st = wf_package_text_of(p, file, &f->text, &f->file.bytes, &why);
    if (st == WEFT_E_NOTFOUND)
        st = wf_package_path(p, file, path, sizeof path, err);
    else if (st != WEFT_OK)
        (void)wf_fail_as(err, &why);
    if (st == WEFT_OK && f->text == NULL)
        st = wf_file_open(path, &f->file, err);
    if (st != WEFT_OK) {
        wf_free(f);
        return st;
    }
    f->next = plugin->files;
    plugin->files = f;
    out->ctx = f;
    out->read_at = file_read_at;
    out->length = file_length;
    return WEFT_OK;
}

void wf_host_files_close(wf_lent *p)
{
    while (p->files != NULL) {
        wf_host_file *f = p->files;
        p->files = f->next;
        wf_file_close(&f->file);
        wf_free(f->text);
        wf_free(f);
    }
}

/* The parsed file, with what all five readers need checked. */
static weft_status root_of(const weft_package *p, const char *file, const char *path,
                           const void *out, const json_t **root, weft_error *err)
{
    *root = NULL;
    if (p == NULL || file == NULL || path == NULL || out == NULL)
        return wf_misuse(err, "package: a package, a file name, a path and a place for the "
                              "value are needed");
    return wf_package_json(mine(p), file, root, err);
}

static weft_status json_count(const weft_host *h, const weft_package *p, const char *file,
                              const char *path, int64_t *n, weft_error *err)
{
    const json_t *root;
    weft_status   st = root_of(p, file, path, n, &root, err);
    (void)h;
    return st == WEFT_OK ? wf_json_count(root, file, path, n, err) : st;
}

static weft_status json_i64(const weft_host *h, const weft_package *p, const char *file,
                            const char *path, int64_t *v, weft_error *err)
{
    const json_t *root;
    weft_status   st = root_of(p, file, path, v, &root, err);
    (void)h;
    return st == WEFT_OK ? wf_json_i64(root, file, path, v, err) : st;
}

static weft_status json_f64(const weft_host *h, const weft_package *p, const char *file,
                            const char *path, double *v, weft_error *err)
{
    const json_t *root;
    weft_status   st = root_of(p, file, path, v, &root, err);
    (void)h;
    return st == WEFT_OK ? wf_json_f64(root, file, path, v, err) : st;
}

static weft_status json_str(const weft_host *h, const weft_package *p, const char *file,
                            const char *path, const char **v, weft_error *err)
{
    const json_t *root;
    weft_status   st = root_of(p, file, path, v, &root, err);
    (void)h;
    return st == WEFT_OK ? wf_json_str(root, file, path, v, err) : st;
}

static weft_status package_json_bool(const weft_host *h, const weft_package *p, const char *file,
                                     const char *path, int32_t *v, weft_error *err)
{
    const json_t *root;
    weft_status   st = root_of(p, file, path, v, &root, err);
    (void)h;
    return st == WEFT_OK ? wf_json_bool(root, file, path, v, err) : st;
}

const weft_if_package wf_host_package = {
    WEFT_HDR(weft_if_package), package_open, json_count, json_i64, json_f64, json_str,
    package_json_bool,
};
