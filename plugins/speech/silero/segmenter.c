/* SPDX-License-Identifier: Apache-2.0 */
/* The segmenter: the loop of ../shared/slicer.h with the network's ear (ear.h). */
#include "../../common/decoder.h"
#include "../shared/slicer.h"
#include "ear.h"
#include "silero.h"

static int64_t push(void *ctx, const float *x, int64_t n, spk_voice_frame *out)
{
    return sil_ear_push(ctx, x, n, out);
}

static int64_t end(void *ctx, spk_voice_frame *out)
{
    return sil_ear_end(ctx, out);
}

weft_status sil_run(const weft_host *h, const weft_media *m, int64_t max_us,
                    const weft_segment_sink *sink, weft_error *err)
{
    sil_ear e;
    /* A window of 32 ms, and a frame. */
    const spk_ear ear = {push, end, sil_ear_heard, 50, &e};
    sil_ear_init(&e, *h->slot);
    return spk_slice(h, m, max_us, &ear, sink, err);
}
