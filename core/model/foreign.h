/* SPDX-License-Identifier: Apache-2.0 */
/* What people have on their disks that is no directory with a config.json and safetensors: told by
 * name, so that a message can say what to do. Any thread may call these functions. */
#ifndef WF_FOREIGN_H
#define WF_FOREIGN_H

#include <jansson.h>

#include "core/base/status.h"

/* What the folder seems to be and what to do about it, as the end of a message that begins with
 * "; "; "" where nobody can say. Looks at names alone, at most 4096 of them. */
const char *wf_foreign_folder(const char *dir);
/* The same for weights in a form that is not read, in a folder that has a config.json. */
const char *wf_foreign_weights(const char *dir);
/* The same for a file that is given as a model. */
const char *wf_foreign_file(const char *path);
/* UNSUPPORTED: config.json says that another program has packed the weights (GPTQ, AWQ,
 * bitsandbytes and the like). where: the directory, for the message. */
weft_status wf_foreign_packed(const json_t *config, const char *where, weft_error *err);

#endif
