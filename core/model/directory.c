/* SPDX-License-Identifier: Apache-2.0 */
/* A model directory: opened and closed, its JSON files, its texts. directory_weights.c has its
 * weights. */
#include "core/model/directory_own.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/mem.h"
#include "core/io/text.h"
#include "core/model/foreign.h"

#define CONFIG "config.json"
#define TOKENIZER_CONFIG "tokenizer_config.json"
#define GGUF_FILE "model.gguf" /* the name of a GGUF file among those of its package */
#define GGUF_VALUES "gguf.json"

/* Whether it may be the name of a model at Hugging Face: two words and a slash. */
static bool is_hub_name(const char *dir)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t owner = strspn(dir, letters);
    size_t name = dir[owner] == '/' ? strspn(dir + owner + 1, letters) : 0;
    return dir[0] != '.' && owner > 0 && name > 0 && dir[owner + 1 + name] == '\0';
}

static weft_status no_directory(const char *dir, weft_error *err)
{
    if (!is_hub_name(dir))
        return wf_fail(err, WEFT_E_NOTFOUND, "%s: no such directory", wf_quote(dir).s);
    const char *name = strchr(dir, '/') + 1;
    return wf_fail(err, WEFT_E_NOTFOUND,
                   "%s: no such directory; if it is the name of a model at Hugging Face, it is "
                   "downloaded first: hf download %s --local-dir %s, and then -m %s",
                   dir, dir, name, name);
}

static weft_status dir_check(const char *dir, weft_error *err)
{
    struct stat st;
    if (stat(dir, &st) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return no_directory(dir, err);
    if (stat(dir, &st) != 0)
        return wf_fail(err, WEFT_E_IO, "%s: the directory cannot be examined", wf_quote(dir).s);
    if (!S_ISDIR(st.st_mode))
        return wf_fail(err, WEFT_E_INVALID,
                       "%s: no directory; a model is given as the directory of its files, or as a "
                       "GGUF file%s",
                       wf_quote(dir).s, wf_foreign_file(dir));
    return WEFT_OK;
}

static weft_status config_check(weft_package *p, weft_error *err)
{
    const json_t *config;
    weft_status   status = wf_package_json(p, CONFIG, &config, err);
    if (status == WEFT_E_NOTFOUND)
        return wf_fail(err, WEFT_E_NOTFOUND,
                       "%s: holds no " CONFIG ", so it is no model directory%s", wf_quote(p->dir).s,
                       wf_foreign_folder(p->dir));
    if (status == WEFT_OK && !json_is_object(config))
        return wf_fail(err, WEFT_E_CORRUPT, "%s: " CONFIG ":1:1: an object is expected",
                       wf_quote(p->dir).s);
    return status == WEFT_OK ? wf_foreign_packed(config, wf_quote(p->dir).s, err) : status;
}

/* Keeps a parsed file, which is the package's from now on, also on failure. */
static weft_status json_keep(weft_package *p, const char *file, json_t *root, weft_error *err)
{
    size_t     n = strlen(file) + 1;
    wf_cached *c = wf_zalloc(sizeof(*c) + n);
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

void wf_package_close(weft_package **p)
{
    if (*p == NULL)
        return;
    wf_package_close_weights(*p);
    wf_made_close(&(*p)->made);
    wf_gguf_model_close(&(*p)->gguf);
    for (wf_cached *c = (*p)->json, *next; c != NULL; c = next) {
        next = c->next;
        json_decref(c->root);
        wf_free(c);
    }
    wf_free((*p)->also_name);
    wf_free((*p)->dir);
    wf_free(*p);
    *p = NULL;
}

const char *wf_package_dir(const weft_package *p)
{
    return p->dir;
}

bool wf_is_plain_name(const char *file)
{
    return file[0] != '\0' && strpbrk(file, "/\\") == NULL && strcmp(file, ".") != 0 &&
           strcmp(file, "..") != 0;
}

weft_status wf_package_path(const weft_package *p, const char *file, char *path, size_t cap,
                            weft_error *err)
{
    if (!wf_is_plain_name(file))
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
    char path[WF_PATH_BYTES];
    *out = NULL;
    for (const wf_cached *c = p->json; c != NULL; c = c->next)
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

bool wf_package_is_made(const weft_package *p)
{
    return p->made != NULL;
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
    for (const wf_cached *c = p->json; p->gguf != NULL && c != NULL; c = c->next)
        if (strcmp(c->file, file) == 0) {
            *text = json_dumps(c->root, 0);
            *bytes = *text != NULL ? strlen(*text) : 0;
            return *text != NULL ? WEFT_OK : wf_fail_nomem(err, sizeof *c, file);
        }
    return wf_fail(err, WEFT_E_NOTFOUND, "%s: has no %s", wf_quote(p->dir).s, wf_quote(file).s);
}
