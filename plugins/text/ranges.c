/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of the matches and of what lies between them, when a step cuts a piece. Source:
 * huggingface/tokenizers tokenizer/normalizer.rs (split). */
#include "steps.h"

weft_status txt_span_add(txt_pieces *p, uint64_t from, uint64_t to, weft_error *err)
{
    const txt_span span = {(uint32_t)from, (uint32_t)to};
    return from == to ? WEFT_OK : txt_buf_add(&p->spans, &span, sizeof span, err);
}

/* Makes the last piece end at `to`. */
static void extend(txt_pieces *p, uint64_t to)
{
    txt_span span;
    memcpy(&span, p->spans.p + p->spans.n - sizeof span, sizeof span);
    span.to = (uint32_t)to;
    memcpy(p->spans.p + p->spans.n - sizeof span, &span, sizeof span);
}

/* A match is held until it is known whether there is text after it, which it then joins. */
static weft_status merged_after(txt_ranges *r, uint64_t from, uint64_t to, bool is_match,
                                weft_error *err)
{
    weft_status s = WEFT_OK;
    if (r->held && !is_match)
        from = r->hold.from;
    else if (r->held)
        s = txt_span_add(r->to, r->hold.from, r->hold.to, err);
    r->held = is_match;
    r->hold = (txt_span){(uint32_t)from, (uint32_t)to};
    return s != WEFT_OK || is_match ? s : txt_span_add(r->to, from, to, err);
}

weft_status txt_range_add(txt_ranges *r, uint64_t from, uint64_t to, bool is_match, weft_error *err)
{
    const bool match = is_match != r->invert, joins_before = r->any && match && !r->before,
               same = r->any && match == r->before;
    if (from == to)
        return WEFT_OK;
    from += r->base;
    to += r->base;
    r->any = true;
    r->before = match;
    if (r->behavior == TXT_MERGED_AFTER)
        return merged_after(r, from, to, match, err);
    if (r->behavior == TXT_REMOVED && match)
        return WEFT_OK;
    if ((r->behavior == TXT_MERGED_BEFORE && joins_before) ||
        (r->behavior == TXT_CONTIGUOUS && same)) {
        extend(r->to, to);
        return WEFT_OK;
    }
    return txt_span_add(r->to, from, to, err);
}

weft_status txt_ranges_end(txt_ranges *r, weft_error *err)
{
    return r->held ? txt_span_add(r->to, r->hold.from, r->hold.to, err) : WEFT_OK;
}
