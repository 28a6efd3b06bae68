/* SPDX-License-Identifier: Apache-2.0 */
#include "spy.h"

spy the_spy;

static weft_status download(weft_queue *q, void *dst, const void *src, uint64_t bytes,
                            weft_error *err)
{
    the_spy.downloaded += bytes;
    return the_spy.real->download(q, dst, src, bytes, err);
}

static weft_status wait_for(weft_queue *q, weft_error *err)
{
    the_spy.waits++;
    the_spy.encoder_waits += q == the_spy.encoders;
    return the_spy.real->wait(q, err);
}

static weft_status after(weft_queue *q, weft_queue *earlier, weft_error *err)
{
    the_spy.afters++;
    return the_spy.real->after(q, earlier, err);
}

static weft_status is_done(weft_queue *q, bool *done, weft_error *err)
{
    if (q == the_spy.encoders && the_spy.refuse > 0) {
        the_spy.refuse--;
        return WEFT_OK;
    }
    return the_spy.real->done(q, done, err);
}

void spy_on(weft_engine *e)
{
    the_spy = (spy){.real = e->device->fns, .encoders = e->encode_queue};
    the_spy.fns = *the_spy.real;
    the_spy.fns.download = download;
    the_spy.fns.wait = wait_for;
    the_spy.fns.after = after;
    the_spy.fns.done = is_done;
    e->device->fns = &the_spy.fns;
}

void spy_off(weft_engine *e)
{
    e->device->fns = the_spy.real;
}

void spy_zero(void)
{
    the_spy.downloaded = 0;
    the_spy.waits = the_spy.afters = the_spy.encoder_waits = 0;
}
