/* SPDX-License-Identifier: Apache-2.0 */
/* weft.segmenter: cuts long and live recordings at pauses.
 *
 * Voices are found by the spectrum (../shared/voice.h); ../shared/slicer.h has the loop, and
 * ../shared/cutter.h says where the cuts are. A segment is pushed about 0.75 s after its last word.
 */
#include "../../common/decoder.h"
#include "../shared/slicer.h"

static int64_t push(void *ctx, const float *x, int64_t n, spk_voice_frame *out)
{
    return spk_voice_push(ctx, x, n, out);
}

static int64_t end(void *ctx, spk_voice_frame *out)
{
    return spk_voice_end(ctx, out);
}

static weft_status run(const weft_host *h, const weft_media *m, int64_t max_us,
                       const weft_segment_sink *sink, weft_error *err)
{
    spk_voice *v = h->alloc(h, sizeof *v, 64);
    if (v == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "there is not enough memory to cut the recording");
    memset(v, 0, sizeof *v);
    /* Half a window of 40 ms behind a frame, and the frame. */
    const spk_ear ear = {push, end, spk_voice_heard, 40, v};
    weft_status   st = spk_voice_init(v, h, err);
    if (st == WEFT_OK)
        st = spk_slice(h, m, max_us, &ear, sink, err);
    spk_voice_deinit(v);
    h->free(h, v);
    return st;
}

static const char *const kinds[] = {"audio", NULL};

static const weft_segmenter vtable = {
    .hdr = WEFT_HDR(weft_segmenter),
    .kinds = kinds,
    .run = run,
};

static const char *const    needs[] = {NULL};
static const weft_component components[] = {
    {WEFT_HDR(weft_component), WEFT_C_SEGMENTER, "audio", &vtable}};

static const weft_descriptor descriptor = {
    .hdr = WEFT_HDR(weft_descriptor),
    .id = "weft.segmenter",
    .name = "Segments of speech",
    .version = "0.1.0",
    .vendor = "weft",
    .license_spdx = "Apache-2.0",
    .needs_host = needs,
    .components = components,
    .n_components = 1,
};

WEFT_PLUGIN("weft.segmenter", "0.1.0", "components=segmenter:audio\n", &descriptor, NULL, NULL)
