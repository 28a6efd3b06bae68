/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the samples of a recording whose decoder cannot tell how many there are. */
#include "core/base/mem.h"
#include "core/base/tensor.h"
#include "core/media/media.h"

#define COUNT_BLOCK 16384
#define MARGIN_US                                                                                  \
    1000000 /* the samples that a header's length may be wrong by, since encoders pad */

/* Samples up to the end, or a few more than most. */
static weft_status count_samples(wf_media *m, int64_t most, int64_t *n, weft_error *err)
{
    int64_t     channels = m->info.channels, got = 1;
    uint64_t    bytes = COUNT_BLOCK * sizeof(float) * (uint64_t)channels;
    float      *block = wf_alloc((size_t)bytes);
    weft_dtype  f32 = {WEFT_DT_FLOAT, 32, 1};
    weft_tensor t = wf_tensor_view(block, f32, 2, (int64_t[]){COUNT_BLOCK, channels});
    weft_status status = block != NULL ? WEFT_OK : wf_fail_nomem(err, bytes, "a block of samples");
    for (*n = 0; status == WEFT_OK && got > 0 && *n <= most; *n += got) {
        got = 0;
        status = m->pub.read_audio(m, COUNT_BLOCK, &t, &got, err);
    }
    wf_free(block);
    return status;
}

/* The samples of that much time at a rate that a plugin gave and nobody has checked. */
static int64_t samples_in(int64_t us, int32_t rate)
{
    return us < INT64_MAX / 2000000 ? us / 1000000 * rate + us % 1000000 * rate / 1000000
                                    : INT64_MAX;
}

/* As many as the limits on samples and on decoded bytes let through. */
static int64_t most_rows(const wf_media *m)
{
    uint64_t n = m->limits.max_decoded_bytes / sizeof(float) / (uint64_t)m->info.channels;
    n = n < m->limits.max_samples ? n : m->limits.max_samples;
    return n < INT64_MAX / 2 ? (int64_t)n : INT64_MAX / 2;
}

weft_status wf_media_count(wf_media *m, int64_t most_us, bool cut, weft_error *err)
{
    weft_media_info *i = &m->info;
    int64_t          n, most;
    if (i->n_samples >= 0 || i->channels <= 0 || m->decoding.vt->read_audio == NULL)
        return WEFT_OK;
    if (i->sample_rate > 0 && !cut && i->duration_us > most_us &&
        i->duration_us - most_us > MARGIN_US) {
        i->n_samples = samples_in(i->duration_us, i->sample_rate);
        return WEFT_OK;
    }
    /* Rows of a kind without a rate have no time: they are counted to their end. */
    most = i->sample_rate > 0 ? samples_in(most_us, i->sample_rate) : most_rows(m);
    weft_status status = count_samples(m, most, &n, err);
    m->peak = 0; /* what an item is made of is read after this */
    if (status == WEFT_OK && m->source.is_pipe && m->source.at > m->source.n_kept)
        return wf_fail(err, WEFT_E_UNSUPPORTED,
                       "a pipe of more than %llu bytes cannot be read twice; give a file",
                       (unsigned long long)WF_PIPE_KEPT);
    if (status == WEFT_OK)
        status = wf_media_reopen(m, err);
    if (status == WEFT_OK && i->sample_rate <= 0 && n > most)
        return wf_fail(err, WEFT_E_LIMIT,
                       "more than %lld samples are over --max-samples or --max-decoded-bytes",
                       (long long)most);
    if (status == WEFT_OK && (cut || n <= most))
        i->n_samples = n;
    return status;
}
