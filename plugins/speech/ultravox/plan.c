/* SPDX-License-Identifier: Apache-2.0 */
/* Makes chunks and plans: from a recording's length, or from tensors that were prepared elsewhere,
 * it computes the numbers of frames, rows, tokens and bytes.
 *
 *     frames n = ceil(samples / 160), samples at least 320        tokens = ceil(n / (2 stack))
 *
 * A projector of letters may have some more (words.c).
 *
 * Where the adapter was made with silence behind the recording (the key weft_silence), those frames
 * come behind the n; they are encoded as far as the last chunk has room, and make no token.
 *
 * A recording of one chunk is encoded as it is. In a longer one every chunk counts its positions
 * from 0. The reference pads the last chunk with zeros to 3000 frames, after normalisation. The
 * rows of that padding are not attended to, but the last token is partly made of them, and they are
 * not zero. Padding to whole tokens therefore gives the same result as padding to 3000 frames,
 * because no row after those reaches a token. Source: fixie-ai/ultravox ultravox_processing.py and
 * its tests. */
#include "ultravox.h"

int64_t vox_n_chunks(const vox_config *c, int64_t n_frames)
{
    return (n_frames - c->silence + c->chunk - 1) / c->chunk;
}

static int64_t tokens_of(const vox_config *c, int64_t n)
{
    const int64_t each = 2 * (int64_t)c->projector.stack;
    return (n + each - 1) / each;
}

static int64_t at_most(int64_t n, int64_t most)
{
    return n < most ? n : most;
}

vox_chunk vox_chunk_of(const vox_config *c, int64_t n_frames, int64_t i)
{
    vox_chunk k = {.first = i * c->chunk, .first_token = i * tokens_of(c, c->chunk)};
    int64_t   n = at_most(n_frames - c->silence - k.first, c->chunk), padded = n;
    k.n_tokens = tokens_of(c, n);
    k.n_rows = (n - 1) / 2 + 1;
    if (c->silence > 0)
        n = padded = at_most(n_frames - k.first, c->chunk);
    else if (i > 0)
        padded = at_most(k.n_tokens * 2 * c->projector.stack, c->chunk);
    k.of = (spk_whisper_chunk){n, padded, (padded - 1) / 2 + 1, (n - 1) / 2 + 1};
    if (c->silence == 0)
        k.n_rows = k.of.n_rows;
    return k;
}

int64_t vox_n_tokens(const vox_config *c, int64_t n_frames)
{
    const vox_chunk last = vox_chunk_of(c, n_frames, vox_n_chunks(c, n_frames) - 1);
    return last.first_token + last.n_tokens + c->projector.ctc.spare;
}

/* Fills *p. The outputs are in the order that encode.c expects. The encoder's rows are an output
 * only where there is one chunk. */
static void make(const vox_config *c, const spk_clip_rule *rule, const spk_carried *what,
                 weft_plan *p)
{
    const int64_t n = what->n_frames;
    spk_clip_plan(rule, what, p);
    p->n_placeholders = vox_n_tokens(c, n);
    p->scratch_bytes = vox_scratch_bytes(c, n);
    spk_clip_output(p, "adapter.output", VOX_STREAM, p->n_placeholders, c->projector.d_text);
    spk_clip_output(p, "features", NULL, n, c->encoder.bins);
    if (vox_n_chunks(c, n) == 1)
        spk_clip_output(p, "encoder.output", NULL, vox_chunk_of(c, n, 0).n_rows, c->encoder.d);
}

static spk_clip_rule rule_of(const vox_config *c)
{
    const spk_clip_rule rule = {&c->front, VOX_MAX_SECONDS, 0};
    return rule;
}

weft_status vox_plan(void *self, const weft_media_info *mi, const weft_request *rq,
                     const weft_limits *lim, weft_plan *out, weft_error *err)
{
    const vox_config   *c = &((const vox_modality *)self)->config;
    const spk_clip_rule rule = rule_of(c);
    spk_carried         what;
    weft_status         status = spk_clip_cut(&rule, mi, rq, lim, &what, err);
    if (status == WEFT_OK)
        status = spk_clip_tokens(vox_n_tokens(c, what.n_frames), lim, err);
    if (status == WEFT_OK)
        make(c, &rule, &what, out);
    return status;
}

weft_status vox_plan_inputs(void *self, const weft_tensor *inputs, const char *const *names,
                            uint32_t n, weft_plan *out, uint32_t cap, uint32_t *n_items,
                            weft_error *err)
{
    const vox_config   *c = &((const vox_modality *)self)->config;
    const spk_clip_rule rule = rule_of(c);
    const int64_t       most = (int64_t)VOX_MAX_SECONDS * SPK_RATE / VOX_HOP;
    spk_carried         what;
    int                 found = 0;
    *n_items = 0;
    weft_status status = spk_clip_tensors(&rule, inputs, names, n, &what, &found, err);
    if (status != WEFT_OK || !found)
        return status;
    if (cap < 1)
        return weft_fail(err, WEFT_E_LIMIT, "there is no room for an item of sound");
    if (what.n_frames <= c->silence || what.n_frames > most + c->silence)
        return weft_fail(err, WEFT_E_LIMIT,
                         "%lld frames cannot be encoded at once; %d to %lld can%s",
                         (long long)what.n_frames, c->silence + 1, (long long)most + c->silence,
                         c->silence > 0 ? ", the last of which are weft_silence" : "");
    make(c, &rule, &what, out);
    *n_items = 1;
    return WEFT_OK;
}
