/* SPDX-License-Identifier: Apache-2.0 */
/* What a model directory is made of, for the files that are it: directory.c, directory_weights.c.
 */
#ifndef WF_DIRECTORY_OWN_H
#define WF_DIRECTORY_OWN_H

#include "core/model/directory.h"
#include "core/model/gguf.h"
#include "core/model/made.h"

#define WF_PATH_BYTES 4096u /* of a path to a file of a directory */

/* A parsed file. */
typedef struct wf_cached {
    struct wf_cached *next;
    json_t           *root;
    char              file[]; /* its plain name */
} wf_cached;

struct weft_package {
    char          *dir;
    const char    *alias; /* of a package that is one file: its only name */
    wf_cached     *json;
    wf_st_file    *shards;
    uint32_t       n_shards;
    uint32_t       n_also;    /* 1: the file below is open */
    char          *also_name; /* a weight file beside those of the index; NULL: none */
    wf_st_file     also;
    const json_t  *map;       /* tensor to shard name, of the cached index; NULL: one file */
    json_t        *positions; /* shard name to its place in shards */
    wf_made       *made;      /* of a package that is in no directory; NULL: it is in one */
    wf_gguf_model *gguf;      /* of a package that is a GGUF file; NULL: it is none */
    bool           opened;    /* shards are there */
};

/* A name within a directory, and no path that leads out of it. */
bool wf_is_plain_name(const char *file);
/* directory_weights.c. Closes the weight files; they are opened again when a tensor is asked for.
 */
void wf_package_close_weights(weft_package *p);

#endif
