/* SPDX-License-Identifier: Apache-2.0 */
/* A model directory. As in transformers, model.safetensors is used where both it and an index are
 * there. Where there is an index, it alone says which tensors the model has. */
#include "core/model/directory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/mem.h"
#include "core/io/text.h"
#include "core/model/gguf.h"
#include "core/model/made.h"

#define CONFIG "config.json"
#define TOKENIZER_CONFIG "tokenizer_config.json"
#define GGUF_FILE "model.gguf" /* the name of a GGUF file among those of its package */
#define GGUF_VALUES "gguf.json"
#define SINGLE "model.safetensors"
#define INDEX "model.safetensors.index.json"
#define MAX_SHARDS 1024u /* each holds a file descriptor open; the largest Llama has 191 */
#define MAX_PATH 4096u

typedef struct cached {
    struct cached *next;
    json_t        *root;
    char           file[]; /* its plain name */
} cached;

struct weft_package {
    char          *dir;
    const char    *alias; /* of a package that is one file: its only name */
    cached        *json;
    wf_st_file    *shards;
    uint32_t       n_shards;
    const json_t  *map;       /* tensor to shard name, of the cached index; NULL: one file */
    json_t        *positions; /* shard name to its place in shards */
    wf_made       *made;      /* of a package that is in no directory; NULL: it is in one */
    wf_gguf_model *gguf;      /* of a package that is a GGUF file; NULL: it is none */
    bool           opened;    /* shards are there */
};

static weft_status dir_check(const char *dir, weft_error *err)
{
    struct stat st;
    if (stat(dir, &st) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return wf_fail(err, WEFT_E_NOTFOUND, "%s: no such directory", wf_quote(dir).s);
    if (stat(dir, &st) != 0)
        return wf_fail(err, WEFT_E_IO, "%s: the directory cannot be examined", wf_quote(dir).s);
    if (!S_ISDIR(st.st_mode))
        return wf_fail(err, WEFT_E_INVALID,
                       "%s: no directory; a model is given as the directory of its files, or as a "
                       "GGUF file",
                       wf_quote(dir).s);
    return WEFT_OK;
}

/* A folder of a composed model holds the INI file that names its directories, and is none. */
static weft_status no_config(const char *dir, weft_error *err)
{
    char        ini[MAX_PATH];
    struct stat st;
    int         n = snprintf(ini, sizeof ini, "%s/weft.ini", dir);
    const char *hint = n > 0 && (size_t)n < sizeof ini && stat(ini, &st) == 0
                           ? "; it holds weft.ini, which --config reads"
                           : "";
    return wf_fail(err, WEFT_E_NOTFOUND, "%s: holds no " CONFIG ", so it is no model directory%s",
                   wf_quote(dir).s, hint);
}

static weft_status config_check(weft_package *p, weft_error *err)
{
    const json_t *config;
    weft_status   status = wf_package_json(p, CONFIG, &config, err);
    if (status == WEFT_E_NOTFOUND)
        return no_config(p->dir, err);
    if (status == WEFT_OK && !json_is_object(config))
        return wf_fail(err, WEFT_E_CORRUPT, "%s: " CONFIG ":1:1: an object is expected",
                       wf_quote(p->dir).s);
    return status;
}

/* Keeps a parsed file, which is the package's from now on, also on failure. */
static weft_status json_keep(weft_package *p, const char *file, json_t *root, weft_error *err)
{
    size_t  n = strlen(file) + 1;
    cached *c = wf_zalloc(sizeof(*c) + n);
    if (c == NULL) {
        json_decref(root);
        return wf_fail_nomem(err, sizeof(*c) + n, file);
    }
    memcpy(c->file, file, n);
    c->root = root;
    c->next = p->json;
    p->json = c;
    return WEFT_OK;
}

/* Opens the file, whose JSON files are made at once. Of one for its tokenizer alone config.json is
 * left out where it would not be complete: a vocabulary may come without a model. */
static weft_status gguf_open(weft_package *p, bool loose, weft_error *err)
{
    json_t     *root = NULL;
    weft_status status = wf_gguf_model_open(p->dir, loose, &p->gguf, err);
    p->alias = GGUF_FILE;
    if (status == WEFT_OK)
        status = wf_gguf_tokenizer_config(p->gguf, &root, err);
    if (status == WEFT_OK)
        status = json_keep(p, TOKENIZER_CONFIG, root, err);
    if (status == WEFT_OK)
        status = wf_gguf_config(p->gguf, &root, loose ? NULL : err);
    if (status == WEFT_OK)
        return json_keep(p, CONFIG, root, err);
    return loose && p->json != NULL ? WEFT_OK : status;
}

/* A directory with its config.json, or a GGUF file. */
static weft_status model_check(weft_package *p, weft_error *err)
{
    return wf_gguf_is(p->dir) ? gguf_open(p, false, err) : config_check(p, err);
}

weft_status wf_package_open(const char *dir, weft_package **out, weft_error *err)
{
    *out = NULL;
    weft_status status = wf_gguf_is(dir) ? WEFT_OK : dir_check(dir, err);
    if (status != WEFT_OK)
        return status;
    weft_package *p = wf_zalloc(sizeof(*p));
    if (p == NULL)
        return wf_fail_nomem(err, sizeof(*p), "a model directory");
    p->dir = wf_strdup(dir);
    if (p->dir == NULL)
        status = wf_fail_nomem(err, strlen(dir) + 1, "a model directory");
    else
        status = model_check(p, err);
    if (status != WEFT_OK)
        wf_package_close(&p);
    *out = p;
    return status;
}

/* Checks what a package for a tokenizer is. A single tokenizer file counts as a package in which
 * the file has the name that it would have in a directory. */
static weft_status loose_check(weft_package *p, weft_error *err)
{
    struct stat st;
    size_t      n = strlen(p->dir);
    if (stat(p->dir, &st) != 0 || !S_ISREG(st.st_mode))
        return dir_check(p->dir, err);
    if (wf_gguf_is(p->dir))
        return gguf_open(p, true, err);
    const bool json = n > 5 && strcmp(p->dir + n - 5, ".json") == 0;
    const bool tekken = n >= 11 && strcmp(p->dir + n - 11, "tekken.json") == 0;
    p->alias = tekken ? "tekken.json" : json ? "tokenizer.json" : "tokenizer.model";
    return WEFT_OK;
}

weft_status wf_package_open_loose(const char *path, weft_package **out, weft_error *err)
{
    *out = NULL;
    weft_package *p = wf_zalloc(sizeof(*p));
    if (p == NULL)
        return wf_fail_nomem(err, sizeof(*p), "a tokenizer's directory");
    p->dir = wf_strdup(path);
    weft_status status =
        p->dir != NULL ? loose_check(p, err) : wf_fail_nomem(err, strlen(path) + 1, "a path");
    if (status != WEFT_OK)
        wf_package_close(&p);
    *out = p;
    return status;
}

static weft_status texts_parse(weft_package *p, const wf_package_text *texts, uint32_t n,
                               weft_error *err)
{
    weft_status status = WEFT_OK;
    json_t     *root;
    for (uint32_t i = 0; i < n && status == WEFT_OK; i++) {
        status = wf_json_parse(texts[i].text, strlen(texts[i].text), texts[i].file, &root, err);
        if (status == WEFT_OK)
            status = json_keep(p, texts[i].file, root, err);
    }
    return status == WEFT_OK ? config_check(p, err) : status;
}

weft_status wf_package_open_made(const char *name, const wf_package_text *texts, uint32_t n,
                                 weft_package **out, weft_error *err)
{
    *out = NULL;
    weft_package *p = wf_zalloc(sizeof(*p));
    if (p == NULL)
        return wf_fail_nomem(err, sizeof(*p), "a model");
    p->dir = wf_strdup(name);
    weft_status status = p->dir != NULL ? wf_made_open(name, &p->made, err)
                                        : wf_fail_nomem(err, strlen(name) + 1, "a model");
    if (status == WEFT_OK)
        status = texts_parse(p, texts, n, err);
    if (status != WEFT_OK)
        wf_package_close(&p);
    *out = p;
    return status;
}

static void shards_close(weft_package *p)
{
    for (uint32_t i = 0; i < p->n_shards; i++)
        wf_st_close(&p->shards[i]);
    wf_free(p->shards);
    json_decref(p->positions);
    p->shards = NULL;
    p->positions = NULL;
    p->map = NULL;
    p->n_shards = 0;
}

void wf_package_close(weft_package **p)
{
    if (*p == NULL)
        return;
    shards_close(*p);
    wf_made_close(&(*p)->made);
    wf_gguf_model_close(&(*p)->gguf);
    for (cached *c = (*p)->json, *next; c != NULL; c = next) {
        next = c->next;
        json_decref(c->root);
        wf_free(c);
    }
    wf_free((*p)->dir);
    wf_free(*p);
    *p = NULL;
}

const char *wf_package_dir(const weft_package *p)
{
    return p->dir;
}

static bool is_plain_name(const char *file)
{
    return file[0] != '\0' && strpbrk(file, "/\\") == NULL && strcmp(file, ".") != 0 &&
           strcmp(file, "..") != 0;
}

weft_status wf_package_path(const weft_package *p, const char *file, char *path, size_t cap,
                            weft_error *err)
{
    if (!is_plain_name(file))
        return wf_fail(err, WEFT_E_INVALID,
                       "%s: \"%s\" is no plain file name; a model's files lie in its directory",
                       wf_quote(p->dir).s, wf_quote(file).s);
    if (p->made != NULL)
        return wf_fail(err, WEFT_E_NOTFOUND, "%s: was made in memory, without %s",
                       wf_quote(p->dir).s, wf_quote(file).s);
    if (p->alias != NULL && strcmp(file, p->alias) != 0)
        return wf_fail(err, WEFT_E_NOTFOUND, "%s: stands alone, without %s", wf_quote(p->dir).s,
                       wf_quote(file).s);
    int n = p->alias != NULL ? snprintf(path, cap, "%s", p->dir)
                             : snprintf(path, cap, "%s/%s", p->dir, file);
    if (n < 0 || (size_t)n >= cap)
        return wf_fail(err, WEFT_E_INVALID, "%s/%s: the path is too long", wf_quote(p->dir).s,
                       wf_quote(file).s);
    return WEFT_OK;
}

weft_status wf_package_json(weft_package *p, const char *file, const json_t **out, weft_error *err)
{
    char path[MAX_PATH];
    *out = NULL;
    for (const cached *c = p->json; c != NULL; c = c->next)
        if (strcmp(c->file, file) == 0) {
            *out = c->root;
            return WEFT_OK;
        }
    weft_status status = wf_package_path(p, file, path, sizeof(path), err);
    if (status != WEFT_OK)
        return status;
    json_t *root;
    status = wf_json_load(path, &root, err);
    if (status == WEFT_OK)
        status = json_keep(p, file, root, err);
    if (status == WEFT_OK)
        *out = root;
    return status;
}

/* Opens one more shard. The array has room for it. */
static weft_status shard_open(weft_package *p, const char *file, weft_error *err)
{
    char        path[MAX_PATH];
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
        if (shard == NULL || !is_plain_name(shard))
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
        shards_close(p);
        status = wf_package_json(p, INDEX, &index, err);
        if (status == WEFT_OK)
            status = sharded_open(p, index, err);
        else if (status == WEFT_E_NOTFOUND)
            return wf_fail(err, status, "%s: holds neither " SINGLE " nor " INDEX,
                           wf_quote(p->dir).s);
    }
    if (status != WEFT_OK)
        shards_close(p);
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
    return weights_open(p, NULL) == WEFT_OK && i < p->n_shards ? &p->shards[i] : NULL;
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

const wf_gguf_model *wf_package_gguf(const weft_package *p)
{
    return p->gguf;
}

void wf_package_config_name(const weft_package *p, char *name)
{
    snprintf(name, WF_CONFIG_NAME_BYTES, p->gguf != NULL ? "%s: as " CONFIG : "%s/" CONFIG,
             wf_quote(p->dir).s);
}

weft_status wf_package_text_of(const weft_package *p, const char *file, char **text,
                               uint64_t *bytes, weft_error *err)
{
    *text = NULL;
    if (p->gguf != NULL && strcmp(file, GGUF_VALUES) == 0)
        return wf_gguf_text_json(p->gguf, text, bytes, err);
    for (const cached *c = p->json; p->gguf != NULL && c != NULL; c = c->next)
        if (strcmp(c->file, file) == 0) {
            *text = json_dumps(c->root, 0);
            *bytes = *text != NULL ? strlen(*text) : 0;
            return *text != NULL ? WEFT_OK : wf_fail_nomem(err, sizeof *c, file);
        }
    return wf_fail(err, WEFT_E_NOTFOUND, "%s: has no %s", wf_quote(p->dir).s, wf_quote(file).s);
}
