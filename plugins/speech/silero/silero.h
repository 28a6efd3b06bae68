/* SPDX-License-Identifier: Apache-2.0 */
/* weft.silero: its segmenter. */
#ifndef SIL_SILERO_H
#define SIL_SILERO_H

#include "weft/modality.h"

#define SIL_ID "weft.silero"

/* weft_segmenter's run; the plugin's slot holds the network's weights (sil_weights). [worker] */
weft_status sil_run(const weft_host *h, const weft_media *m, int64_t max_us,
                    const weft_segment_sink *sink, weft_error *err);

#endif
