/* SPDX-License-Identifier: Apache-2.0 */
/* What a plugin says of the text core inside a directory, looked at before anything follows it. */
#ifndef WF_TEXT_MAP_H
#define WF_TEXT_MAP_H

#include <stdbool.h>

#include "core/base/status.h"
#include "weft/checkpoint.h"

#define WF_MAX_LAYERS 1024
#define WF_NAME_BYTES 512 /* of a tensor's full name */

/* What makes a map one that cannot be ("prefix NULL"), written to text [cap]; false: nothing. Its
 * array of layers is not read: only config.json tells how long it can be (wf_text_map_layers). */
bool wf_text_map_fault(const weft_text_map *m, char *text, size_t cap);
/* The same for its layers against the number in config.json: no more of them, ascending, and each
 * within it. */
bool wf_text_map_layers(const weft_text_map *m, int32_t n_layers, char *text, size_t cap);

#endif
