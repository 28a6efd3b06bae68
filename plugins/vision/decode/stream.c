/* SPDX-License-Identifier: Apache-2.0 */
/* Buffered reading of a weft_source. */
#include "stream.h"

#include <string.h>

void vis_stream_init(vis_stream *s, const weft_source *source)
{
    size_t n = source->hdr.size < sizeof s->source ? source->hdr.size : sizeof s->source;
    memset(s, 0, offsetof(vis_stream, buffer));
    memcpy(&s->source, source, n);
}

int64_t vis_stream_length(const vis_stream *s)
{
    return s->source.length != NULL ? s->source.length(s->source.ctx) : -1;
}

/* Asks the source once. It may give less than asked before its end, as a pipe does, but it gives
 * nothing only at its end. */
static uint64_t fetch(vis_stream *s, void *dst, uint64_t n)
{
    int64_t got = s->source.read_at(s->source.ctx, s->at, dst, n);
    if (got < 0) {
        s->status = (weft_status)got;
        return 0;
    }
    return (uint64_t)got > n ? n : (uint64_t)got;
}

/* How many bytes from s->at on are in the buffer. */
static uint64_t buffered(const vis_stream *s)
{
    if (s->at < s->buffer_at || s->at - s->buffer_at >= s->buffer_n)
        return 0;
    return s->buffer_n - (s->at - s->buffer_at);
}

uint64_t vis_stream_read(vis_stream *s, void *dst, uint64_t n)
{
    uint8_t *p = dst;
    uint64_t done = 0;
    while (done < n) {
        uint64_t want = n - done, have = buffered(s);
        if (have == 0 && want >= sizeof s->buffer) {
            have = fetch(s, p + done, want);
        } else {
            if (have == 0) {
                s->buffer_n = fetch(s, s->buffer, sizeof s->buffer);
                s->buffer_at = s->at;
                have = s->buffer_n;
            }
            have = have < want ? have : want;
            memcpy(p + done, s->buffer + (s->at - s->buffer_at), have);
        }
        if (have == 0)
            break;
        done += have;
        s->at += have;
    }
    return done;
}
