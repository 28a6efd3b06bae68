/* SPDX-License-Identifier: Apache-2.0 */
/* weft.silero: descriptor and entry. Cuts long and live recordings at pauses, as weft.segmenter
 * does, but what is speech is heard by a small network, Silero VAD. It is used where its weights
 * are given. */
#include "net.h"
#include "silero.h"

static weft_status load(const weft_host *h, const weft_package *p, weft_error *err)
{
    sil_weights *w;
    if (*h->slot != NULL)
        return WEFT_OK;
    weft_status status = sil_weights_load(h, p, &w, err);
    *h->slot = w;
    return status;
}

static void deinit(const weft_host *h)
{
    h->free(h, *h->slot);
    *h->slot = NULL;
}

static const char *const kinds[] = {"audio", NULL};

static const weft_segmenter vtable = {
    .hdr = WEFT_HDR(weft_segmenter), .kinds = kinds, .run = sil_run, .load = load};

static const char *const needs[] = {WEFT_IF_WEIGHTS, NULL};

static const weft_component components[] = {
    {WEFT_HDR(weft_component), WEFT_C_SEGMENTER, "audio", &vtable}};

static const weft_descriptor descriptor = {
    .hdr = WEFT_HDR(weft_descriptor),
    .id = SIL_ID,
    .name = "Silero VAD",
    .version = "0.1.0",
    .vendor = "weft",
    .license_spdx = "Apache-2.0",
    .needs_host = needs,
    .components = components,
    .n_components = 1,
};

WEFT_PLUGIN(SIL_ID, "0.1.0", "components=segmenter:audio\n", &descriptor, NULL, deinit)
