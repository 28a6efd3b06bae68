/* SPDX-License-Identifier: Apache-2.0 */
/* The directory around the weight files: what goes into it beside them. */
#include "core/model/quantize_part.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/io/text.h"

#define INDEX "model.safetensors.index.json"
#define OTHER_FILE_BYTES ((uint64_t)64 << 20) /* larger ones are no configuration */

/* ---- weight files ---- */

static weft_status check_files(const wf_quantize *q, weft_error *err)
{
    const wf_st_file *file;
    const char       *name;
    weft_status       status = WEFT_OK;
    for (uint32_t i = 0;
         status == WEFT_OK && (file = wf_package_file(q->package, i, &name)) != NULL; i++)
        status = wf_quantize_check(q, file, err);
    return status;
}

/* Whether an earlier run has written the file. */
static bool is_there(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static weft_status write_files(const wf_quantize *q, const wf_part *p, weft_error *err)
{
    const wf_st_file *file;
    const char       *name;
    char              path[WF_PART_PATH_BYTES];
    uint64_t          done = 0;
    weft_status       status = WEFT_OK;
    for (uint32_t i = 0;
         status == WEFT_OK && (file = wf_package_file(q->package, i, &name)) != NULL; i++) {
        status = wf_part_path(p, name, path, err);
        if (status == WEFT_OK && is_there(path))
            done += file->file.bytes;
        else if (status == WEFT_OK)
            status = wf_quantize_file(q, file, path, &done, err);
    }
    return status;
}

/* The index, where the directory has one: the same files, and another sum of bytes. */
static weft_status write_index(const wf_quantize *q, const wf_part *p, weft_error *err)
{
    const json_t *index;
    wf_st_file    file;
    const char   *name;
    char          path[WF_PART_PATH_BYTES];
    uint64_t      total = 0;
    weft_status   status = wf_package_json(q->package, INDEX, &index, err);
    if (status == WEFT_E_NOTFOUND)
        return WEFT_OK;
    for (uint32_t i = 0; status == WEFT_OK && wf_package_file(q->package, i, &name) != NULL; i++) {
        status = wf_part_path(p, name, path, err);
        if (status == WEFT_OK)
            status = wf_st_open(path, &file, err);
        for (uint64_t k = 0; status == WEFT_OK && k < file.n_tensors; k++)
            total += file.tensors[k].bytes;
        if (status == WEFT_OK)
            wf_st_close(&file);
    }
    if (status != WEFT_OK)
        return status;
    json_t *copy = json_pack("{s:{s:I}, s:O}", "metadata", "total_size", (json_int_t)total,
                             "weight_map", json_object_get(index, "weight_map"));
    char   *text = copy != NULL ? json_dumps(copy, JSON_INDENT(2)) : NULL;
    status = text != NULL ? wf_part_write(p, INDEX, text, strlen(text), err)
                          : wf_fail_nomem(err, sizeof(json_t), INDEX);
    wf_free(text);
    json_decref(copy);
    return status;
}

/* ---- the other files ---- */

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), e = strlen(end);
    return n >= e && strcmp(name + n - e, end) == 0;
}

/* Weights of any kind, what is hidden, and checksums, SHA256SUMS and the like: these weights are
 * others. */
static bool is_left_out(const char *name)
{
    static const char *const ends[] = {".safetensors", INDEX,   ".bin",    ".bin.index.json",
                                       ".pt",          ".pth",  ".gguf",   ".h5",
                                       ".msgpack",     ".onnx", ".sha256", ".md5"};
    bool                     out =
        name[0] == '.' || strcmp(name, WF_PART_NOTE) == 0 || strcasestr(name, "sums") != NULL;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        out = out || ends_with(name, ends[i]);
    return out;
}

static weft_status copy_file(const wf_quantize *q, const wf_part *p, const char *name,
                             weft_error *err)
{
    char        path[WF_PART_PATH_BYTES], *text = NULL;
    struct stat st;
    uint64_t    bytes;
    weft_status status = wf_package_path(q->package, name, path, sizeof path, err);
    if (status != WEFT_OK || stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return status;
    status = wf_file_load(path, OTHER_FILE_BYTES, &text, &bytes, err);
    if (status == WEFT_OK)
        status = wf_part_write(p, name, text, bytes, err);
    wf_free(text);
    return status;
}

static weft_status copy_files(const wf_quantize *q, const wf_part *p, weft_error *err)
{
    DIR           *d = opendir(wf_package_dir(q->package));
    struct dirent *entry;
    weft_status    status = WEFT_OK;
    if (d == NULL)
        return wf_fail(err, WEFT_E_IO, "%s: cannot be listed: %s", wf_package_dir(q->package),
                       strerror(errno));
    while (status == WEFT_OK && (entry = readdir(d)) != NULL)
        if (!is_left_out(entry->d_name))
            status = copy_file(q, p, entry->d_name, err);
    closedir(d);
    return status;
}

/* Everything that goes into the directory, which has begun. */
static weft_status write_all(const wf_quantize *q, const wf_part *p, weft_error *err)
{
    weft_status status = write_files(q, p, err);
    if (status == WEFT_OK)
        status = write_index(q, p, err);
    return status == WEFT_OK ? copy_files(q, p, err) : status;
}

/* What there is to know of the package before any work. */
static weft_status check(const wf_quantize *q, weft_error *err)
{
    if (wf_package_gguf(q->package) != NULL)
        return wf_fail(err, WEFT_E_UNSUPPORTED,
                       "%s: a GGUF file, which is not written anew; --quantize makes its weights "
                       "smaller while they are loaded",
                       wf_quote(wf_package_dir(q->package)).s);
    if (wf_package_is_made(q->package))
        return wf_fail(err, WEFT_E_UNSUPPORTED,
                       "%s: was made in memory: there is no directory to write anew",
                       wf_quote(wf_package_dir(q->package)).s);
    return check_files(q, err);
}

weft_status wf_quantize_can(const wf_quantize *q, weft_error *err)
{
    weft_status status = check(q, err);
    return status == WEFT_OK ? wf_part_can(q, err) : status;
}

weft_status wf_quantize_package(const wf_quantize *q, weft_error *err)
{
    wf_part     p;
    weft_status status = check(q, err);
    if (status == WEFT_OK)
        status = wf_part_begin(q, &p, err);
    if (status != WEFT_OK)
        return status;
    status = write_all(q, &p, err);
    if (status == WEFT_OK)
        return wf_part_finish(&p, err);
    wf_part_leave(&p);
    return status;
}
