/* SPDX-License-Identifier: Apache-2.0 */
/* The weights of a model directory. As in transformers, model.safetensors is used where both it and
 * an index are there. Where there is an index, it alone says which tensors the model has. */
#include "core/model/directory_own.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/mem.h"
#include "core/io/text.h"

#define SINGLE "model.safetensors"
#define INDEX "model.safetensors.index.json"
#define MAX_SHARDS 1024u /* each holds a file descriptor open; the largest Llama has 191 */

void wf_package_close_weights(weft_package *p)
{
    for (uint32_t i = 0; i < p->n_shards; i++)
        wf_st_close(&p->shards[i]);
    if (p->n_also > 0)
        wf_st_close(&p->also);
    wf_free(p->shards);
    json_decref(p->positions);
    p->shards = NULL;
    p->positions = NULL;
    p->map = NULL;
    p->n_shards = p->n_also = 0;
}

weft_status wf_package_also(weft_package *p, const char *file, weft_error *err)
{
    char        path[WF_PATH_BYTES];
    weft_status status;
    if (p->made != NULL || p->gguf != NULL)
        return WEFT_OK;
    status = wf_package_path(p, file, path, sizeof path, err);
    if (status != WEFT_OK)
        return status;
    wf_package_close_weights(p);
    p->opened = false;
    wf_free(p->also_name);
    p->also_name = wf_strdup(file);
    return p->also_name != NULL ? WEFT_OK : wf_fail_nomem(err, strlen(file), "a file's name");
}

/* The file beside the others, where it is there. */
static weft_status also_open(weft_package *p, weft_error *err)
{
    char       path[WF_PATH_BYTES];
    weft_error why = WF_ERROR_INIT;
    if (p->also_name == NULL)
        return WEFT_OK;
    weft_status status = wf_package_path(p, p->also_name, path, sizeof path, &why);
    if (status == WEFT_OK)
        status = wf_st_open(path, &p->also, &why);
    p->n_also = status == WEFT_OK;
    return status == WEFT_OK || status == WEFT_E_NOTFOUND ? WEFT_OK : wf_fail_as(err, &why);
}

const char *wf_package_absent(const weft_package *p)
{
    return p->opened && p->n_also == 0 ? p->also_name : NULL;
}

/* Opens one more shard. The array has room for it. */
static weft_status shard_open(weft_package *p, const char *file, weft_error *err)
{
    char        path[WF_PATH_BYTES];
    weft_status status = wf_package_path(p, file, path, sizeof(path), err);
    if (status == WEFT_OK)
        status = wf_st_open(path, &p->shards[p->n_shards], err);
    if (status == WEFT_OK)
        p->n_shards++;
    return status;
}

/* A failure of one entry of the index. */
static weft_status fail_entry(const weft_package *p, const char *tensor, const char *shard,
                              const char *what, weft_error *err)
{
    return wf_fail(err, WEFT_E_CORRUPT, "%s: " INDEX ": \"%s\" is in \"%s\", %s",
                   wf_quote(p->dir).s, wf_quote(tensor).s, wf_quote(shard).s, what);
}

/* Numbers the weight files that the index names, in the order in which they first appear. */
static weft_status shards_count(weft_package *p, weft_error *err)
{
    const char *tensor;
    json_t     *value;
    p->positions = json_object();
    if (p->positions == NULL)
        return wf_fail_nomem(err, sizeof(json_t), INDEX);
    json_object_foreach((json_t *)p->map, tensor, value)
    {
        const char *shard = json_string_value(value);
        if (shard == NULL || !wf_is_plain_name(shard))
            return fail_entry(p, tensor, shard != NULL ? shard : "(no string)",
                              "which is no plain file name", err);
        if (json_object_get(p->positions, shard) != NULL)
            continue;
        size_t n = json_object_size(p->positions);
        if (n == MAX_SHARDS)
            return wf_fail(err, WEFT_E_LIMIT, "%s: " INDEX ": more than %u files",
                           wf_quote(p->dir).s, MAX_SHARDS);
        if (json_object_set_new(p->positions, shard, json_integer((json_int_t)n)) != 0)
            return wf_fail_nomem(err, sizeof(json_t), INDEX);
    }
    return WEFT_OK;
}

static weft_status sharded_open(weft_package *p, const json_t *index, weft_error *err)
{
    const char *shard;
    json_t     *value;
    p->map = json_object_get(index, "weight_map");
    if (!json_is_object(p->map))
        return wf_fail(err, WEFT_E_CORRUPT, "%s: " INDEX ": \"weight_map\" is no object",
                       wf_quote(p->dir).s);
    weft_status status = shards_count(p, err);
    if (status != WEFT_OK)
        return status;
    p->shards = wf_zalloc_n(json_object_size(p->positions), sizeof(*p->shards));
    if (p->shards == NULL)
        return wf_fail_nomem(err, MAX_SHARDS * sizeof(*p->shards), "the list of weight files");
    json_object_foreach(p->positions, shard, value)
    {
        status = shard_open(p, shard, err);
        if (status == WEFT_E_NOTFOUND)
            return wf_fail(err, WEFT_E_CORRUPT,
                           "%s: " INDEX " names the file \"%s\", which is not there",
                           wf_quote(p->dir).s, wf_quote(shard).s);
        if (status != WEFT_OK)
            return status;
    }
    return WEFT_OK;
}

static weft_status weights_open(weft_package *p, weft_error *err)
{
    const json_t *index;
    if (p->opened)
        return WEFT_OK;
    p->shards = wf_zalloc(sizeof(*p->shards));
    if (p->shards == NULL)
        return wf_fail_nomem(err, sizeof(*p->shards), "the list of weight files");
    weft_status status = shard_open(p, SINGLE, err);
    if (status == WEFT_E_NOTFOUND) {
        wf_package_close_weights(p);
        status = wf_package_json(p, INDEX, &index, err);
        if (status == WEFT_OK)
            status = sharded_open(p, index, err);
        else if (status == WEFT_E_NOTFOUND)
            return wf_fail(err, status, "%s: holds neither " SINGLE " nor " INDEX,
                           wf_quote(p->dir).s);
    }
    if (status == WEFT_OK)
        status = also_open(p, err);
    if (status != WEFT_OK)
        wf_package_close_weights(p);
    p->opened = status == WEFT_OK;
    return status;
}

/* The weight file that the index names for a tensor; NULL: the index does not have the tensor. */
static const wf_st_file *shard_of(const weft_package *p, const char *name)
{
    if (p->map == NULL)
        return &p->shards[0];
    const char *shard = json_string_value(json_object_get(p->map, name));
    if (shard == NULL)
        return NULL;
    return &p->shards[json_integer_value(json_object_get(p->positions, shard))];
}

static weft_status gguf_find(const weft_package *p, const char *name, const wf_st_file **file,
                             const wf_st_tensor **t, weft_error *err)
{
    for (uint32_t i = 0; (*file = wf_gguf_part(p->gguf, i)) != NULL; i++)
        if ((*t = wf_st_find(*file, name)) != NULL)
            return WEFT_OK;
    return wf_fail(err, WEFT_E_NOTFOUND, "%s: holds no tensor for \"%s\"", wf_quote(p->dir).s,
                   wf_quote(name).s);
}

weft_status wf_package_find(weft_package *p, const char *name, const wf_st_file **file,
                            const wf_st_tensor **t, weft_error *err)
{
    *file = NULL;
    *t = NULL;
    if (p->made != NULL)
        return wf_made_find(p->made, name, file, t, err);
    if (p->gguf != NULL)
        return gguf_find(p, name, file, t, err);
    weft_status status = weights_open(p, err);
    if (status != WEFT_OK)
        return status;
    const wf_st_file   *shard = shard_of(p, name);
    const wf_st_tensor *found = shard != NULL ? wf_st_find(shard, name) : NULL;
    if (found == NULL && shard != NULL && p->map != NULL)
        return fail_entry(p, name, json_string_value(json_object_get(p->map, name)),
                          "which does not hold it", err);
    if (found == NULL && p->n_also > 0) {
        shard = &p->also;
        found = wf_st_find(shard, name);
    }
    if (found == NULL)
        return wf_fail(err, WEFT_E_NOTFOUND, "%s: holds no tensor \"%s\"", wf_quote(p->dir).s,
                       wf_quote(name).s);
    *file = shard;
    *t = found;
    return WEFT_OK;
}

weft_status wf_package_expect(weft_package *p, const char *name, int32_t rank, const int64_t *shape,
                              weft_error *err)
{
    return p->made != NULL ? wf_made_add(p->made, name, rank, shape, err) : WEFT_OK;
}

weft_status wf_package_check(weft_package *p, weft_error *err)
{
    if (p->made != NULL || p->gguf != NULL)
        return WEFT_OK;
    const char         *tensor;
    json_t             *value;
    const wf_st_file   *file;
    const wf_st_tensor *t;
    weft_status         status = weights_open(p, err);
    if (status != WEFT_OK || p->map == NULL)
        return status;
    json_object_foreach((json_t *)p->map, tensor, value)
    {
        status = wf_package_find(p, tensor, &file, &t, err);
        if (status != WEFT_OK)
            return status;
    }
    return WEFT_OK;
}

/* The i-th file of tensors, wherever they come from. */
static const wf_st_file *file_at(weft_package *p, uint32_t i)
{
    if (p->gguf != NULL)
        return wf_gguf_part(p->gguf, i);
    if (weights_open(p, NULL) != WEFT_OK || i >= p->n_shards + p->n_also)
        return NULL;
    return i < p->n_shards ? &p->shards[i] : &p->also;
}

const wf_st_file *wf_package_file(weft_package *p, uint32_t i, const char **name)
{
    const wf_st_file *file = p->made == NULL ? file_at(p, i) : NULL;
    const char       *slash = file != NULL ? strrchr(file->file.path, '/') : NULL;
    if (file != NULL)
        *name = slash != NULL ? slash + 1 : file->file.path;
    return file;
}

void wf_package_each(weft_package *p, void (*fn)(void *ctx, const wf_st_tensor *t), void *ctx)
{
    const wf_st_file *file;
    if (p->made != NULL) {
        wf_made_each(p->made, fn, ctx);
        return;
    }
    for (uint32_t i = 0; (file = file_at(p, i)) != NULL; i++)
        for (uint64_t k = 0; k < file->n_tensors; k++)
            fn(ctx, &file->tensors[k]);
}

uint64_t wf_package_tensor_bytes(weft_package *p)
{
    const wf_st_file *file;
    uint64_t          total = 0;
    if (p->made != NULL)
        return wf_made_bytes(p->made);
    for (uint32_t i = 0; (file = file_at(p, i)) != NULL; i++)
        for (uint64_t k = 0; k < file->n_tensors; k++)
            if (!wf_add(total, file->tensors[k].bytes, &total))
                return UINT64_MAX;
    return total;
}
