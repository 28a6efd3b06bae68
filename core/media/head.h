/* SPDX-License-Identifier: Apache-2.0 */
/* The first bytes of a file, by which a decoder is chosen. Of a file those are 64 KiB. Whoever
 * speaks into a pipe may take seconds for so many, so of a pipe no more is waited for than it takes
 * to know the decoder. */
#ifndef WF_HEAD_H
#define WF_HEAD_H

#include "core/media/modalities.h"
#include "core/media/source.h"
#include "core/plugin/registry.h"

#define WF_HEAD_BYTES 65536

/* Where the first bytes come from and for whom they are; all is borrowed. */
typedef struct wf_head {
    wf_source     *source;
    wf_registry   *registry;
    wf_modalities *live;
    const char    *path;
    const char    *kind; /* that is asked for; NULL: any */
} wf_head;

/* Reads the first bytes to dst [WF_HEAD_BYTES]. *n: how many there are, which depends on the bytes
 * alone and never on how fast they come; below 0: the status of reading them. Of a pipe 16, 64,
 * 256,
 * ... bytes are read in turn, until a decoder whose kind a live modality takes is certain
 * (WEFT_PROBE_CERTAIN), or, from 4096 bytes on, sees more than its name (WEFT_PROBE_CHANCE). Loads
 * the decoders whose manifests fit the bytes; fails where loading does. [setup] */
weft_status wf_head_read(const wf_head *h, uint8_t *dst, int64_t *n, weft_error *err);

#endif
