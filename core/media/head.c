/* SPDX-License-Identifier: Apache-2.0 */
/* How much of a file's beginning is waited for. */
#include "core/media/head.h"

#include <string.h>

#include "core/media/calls.h"

#define FIRST_BYTES 16   /* most magic numbers lie in so many; for others more is read */
#define MAGIC_BYTES 4096 /* of a pipe: with so many bytes a score of CHANCE decides */

/* The score that is enough to choose a decoder by the first n bytes, without waiting for more. */
static int32_t enough(uint64_t n)
{
    return n >= MAGIC_BYTES ? WEFT_PROBE_CHANCE : WEFT_PROBE_CERTAIN;
}

/* Does the decoder know the bytes well enough as a kind that is wanted and taken? */
static bool is_known_to(const wf_head *h, const weft_decoder *d, wf_plugin *owner,
                        const weft_probe *head)
{
    for (const char *const *kind = d->kinds; *kind != NULL; kind++) {
        weft_probe p = *head;
        p.kind = *kind;
        if ((h->kind == NULL || strcmp(*kind, h->kind) == 0) &&
            wf_modality_of(h->live, *kind) != NULL &&
            wf_decoder_probe(d, owner, &p) >= enough(head->head_bytes))
            return true;
    }
    return false;
}

static weft_status is_decided(const wf_head *h, const uint8_t *bytes, uint64_t n, bool *decided,
                              weft_error *err)
{
    const weft_probe head = {WEFT_HDR(weft_probe), NULL, bytes, n, h->path};
    wf_plugin       *owner;
    const void      *d;
    weft_status      status = wf_registry_load_decoders(h->registry, bytes, n, h->kind, err);
    for (size_t i = 0; status == WEFT_OK && !*decided &&
                       (d = wf_registry_component(h->registry, WEFT_C_DECODER, i, &owner)) != NULL;
         i++)
        *decided = is_known_to(h, d, owner, &head);
    return status;
}

weft_status wf_head_read(const wf_head *h, uint8_t *dst, int64_t *n, weft_error *err)
{
    bool        decided = false;
    weft_status status = WEFT_OK;
    uint64_t    want = h->source->is_pipe ? FIRST_BYTES : WF_HEAD_BYTES;
    for (;; want *= 4) {
        *n = h->source->pub.read_at(h->source, 0, dst, want);
        if (*n < (int64_t)want || want >= WF_HEAD_BYTES)
            return WEFT_OK;
        status = is_decided(h, dst, want, &decided, err);
        if (status != WEFT_OK || decided)
            return status;
    }
}
