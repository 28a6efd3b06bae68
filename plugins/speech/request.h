/* SPDX-License-Identifier: Apache-2.0 */
/* Many weights asked for at once, so that all that is missing or misshapen is reported together.
 * Who needs weights writes one function that asks for each by name and shape; it is run twice, to
 * count and to ask. */
#ifndef SPK_REQUEST_H
#define SPK_REQUEST_H

#include "weft/sdk.h"

#define SPK_MAX_NAME 160 /* bytes of a tensor's name */

/* want[i] with its name goes to *to[i]; with want NULL it only counts. */
typedef struct spk_request {
    weft_weight  *want;
    weft_tensor **to;
    weft_tensor  *got;
    char (*name)[SPK_MAX_NAME];
    uint32_t n, reserved;
    uint64_t parameters; /* of all that was asked for */
} spk_request;

/* The weight prefix.name as [a], [a, b] or [a, b, c] (the rest 0). use: WEFT_USE_*. */
void spk_ask(spk_request *r, weft_tensor *to, uint32_t use, const char *prefix, const char *name,
             int64_t a, int64_t b, int64_t c);
/* ask is called with this request: once to count, then, with memory, to fill it; then all is
 * loaded. With p NULL it ends after counting. r is in the caller's hands only for its counts. */
weft_status spk_request_run(const weft_host *h, const weft_package *p,
                            void (*ask)(spk_request *r, void *ctx), void *ctx, spk_request *r,
                            weft_error *err);

#endif
