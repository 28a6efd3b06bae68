/* SPDX-License-Identifier: Apache-2.0 */
/* The pre-tokenizers of tokenizer.json. Each cuts the pieces that the ones before it left.
 * ByteLevel comes last, and the bytes stay as they are, because the vocabulary was turned into
 * bytes when it was read. Source: huggingface/tokenizers
 * pre_tokenizers/{byte_level,digits,split,metaspace}.rs. */
#include "steps.h"

#include "unicode.h"

#define MARK "\xe2\x96\x81" /* U+2581 */

typedef weft_status (*ranges_of)(const txt_step *step, const txt_steps *s, const uint8_t *text,
                                 uint64_t n, txt_ranges *r, weft_error *err);

static const txt_span *spans_of(const txt_pieces *p, uint64_t *n)
{
    *n = p->spans.n / sizeof(txt_span);
    return (const txt_span *)(const void *)p->spans.p;
}

/* Cuts every piece. The text stays the same. */
static weft_status cut_all(const txt_steps *s, const txt_step *step, int behavior,
                           const txt_pieces *from, txt_pieces *to, ranges_of ranges,
                           weft_error *err)
{
    uint64_t        n;
    const txt_span *spans = spans_of(from, &n);
    weft_status     status = WEFT_OK;
    to->text = from->text;
    for (uint64_t i = 0; status == WEFT_OK && i < n; i++) {
        txt_ranges r = {
            .to = to, .base = spans[i].from, .behavior = behavior, .invert = step->invert};
        status = ranges(step, s, from->text + spans[i].from, spans[i].to - spans[i].from, &r, err);
        if (status == WEFT_OK)
            status = txt_ranges_end(&r, err);
    }
    return status;
}

static weft_status by_function(const txt_step *step, const txt_steps *s, const uint8_t *text,
                               uint64_t n, txt_ranges *r, weft_error *err)
{
    weft_status status = WEFT_OK;
    (void)s;
    for (uint64_t at = 0, end; status == WEFT_OK && at < n; at = end) {
        end = step->cut(text, n, at);
        status = txt_range_add(r, at, end, true, err);
    }
    return status;
}

static weft_status by_text(const txt_step *step, const txt_steps *s, const uint8_t *text,
                           uint64_t n, txt_ranges *r, weft_error *err)
{
    const uint8_t *what = txt_step_bytes(s, step->pattern);
    const uint64_t length = step->pattern.n;
    uint64_t       from = 0;
    weft_status    status = WEFT_OK;
    for (uint64_t at = 0; status == WEFT_OK && at + length <= n;) {
        if (memcmp(text + at, what, length) != 0) {
            at++;
            continue;
        }
        status = txt_range_add(r, from, at, false, err);
        if (status == WEFT_OK)
            status = txt_range_add(r, at, at + length, true, err);
        from = at += length;
    }
    return status == WEFT_OK ? txt_range_add(r, from, n, false, err) : status;
}

/* Matches within text[from..to), which is UTF-8. */
static weft_status by_regex_part(const txt_step *step, const uint8_t *text, uint64_t from,
                                 uint64_t to, txt_ranges *r, weft_error *err)
{
    const uint8_t *part = text + from;
    const uint64_t n = to - from;
    uint64_t       done = 0, at = 0, begin, end;
    weft_status    s = WEFT_OK;
    while (s == WEFT_OK && at < n) {
        s = txt_regex_find(step->regex, part, n, at, &begin, &end, err);
        if (s != WEFT_OK || begin >= n)
            break;
        s = txt_range_add(r, from + done, from + begin, false, err);
        if (s == WEFT_OK)
            s = txt_range_add(r, from + begin, from + end, true, err);
        done = at = end;
        if (end == begin) { /* an empty match: on to the next character */
            uint32_t length;
            (void)txt_utf8(part + end, n - end, &length);
            at += length;
        }
    }
    return s == WEFT_OK ? txt_range_add(r, from + done, to, false, err) : s;
}

/* A byte that is not UTF-8 is a piece of its own: expressions speak of characters only. */
static weft_status by_regex(const txt_step *step, const txt_steps *s, const uint8_t *text,
                            uint64_t n, txt_ranges *r, weft_error *err)
{
    weft_status status = WEFT_OK;
    uint32_t    length = 1;
    (void)s;
    for (uint64_t from = 0, at = 0; status == WEFT_OK && from < n; from = at) {
        while (at < n && txt_utf8(text + at, n - at, &length) != TXT_NONE)
            at += length;
        status = by_regex_part(step, text, from, at, r, err);
        if (status == WEFT_OK && at < n) {
            status = txt_range_add(r, at, at + 1, true, err);
            at++;
        }
    }
    return status;
}

static weft_status by_digit(const txt_step *step, const txt_steps *s, const uint8_t *text,
                            uint64_t n, txt_ranges *r, weft_error *err)
{
    weft_status status = WEFT_OK;
    uint64_t    from = 0;
    uint32_t    length;
    (void)step;
    (void)s;
    for (uint64_t at = 0; status == WEFT_OK && at < n; at += length) {
        if (txt_class(txt_utf8(text + at, n - at, &length)) != TXT_NUMBER)
            continue;
        status = txt_range_add(r, from, at, false, err);
        if (status == WEFT_OK)
            status = txt_range_add(r, at, at + length, true, err);
        from = at + length;
    }
    return status == WEFT_OK ? txt_range_add(r, from, n, false, err) : status;
}

static weft_status digits(const txt_steps *s, const txt_step *step, const txt_pieces *from,
                          txt_pieces *to, weft_error *err)
{
    return cut_all(s, step, step->individual ? TXT_ISOLATED : TXT_CONTIGUOUS, from, to, by_digit,
                   err);
}

static weft_status split_check(txt_steps *s, txt_step *step, weft_error *err)
{
    const uint8_t *pattern = txt_step_bytes(s, step->pattern);
    if (step->pattern.at == TXT_NONE || step->pattern.n == 0)
        return weft_fail(err, WEFT_E_CORRUPT, "tokenizer.json has a Split without a pattern");
    if (!step->is_regex)
        return WEFT_OK;
    step->cut = txt_cut_find(pattern, step->pattern.n);
    return step->cut != NULL ? WEFT_OK
                             : txt_regex_make(pattern, step->pattern.n, &step->regex, err);
}

static weft_status split(const txt_steps *s, const txt_step *step, const txt_pieces *from,
                         txt_pieces *to, weft_error *err)
{
    return cut_all(s, step, step->behavior, from, to,
                   !step->is_regex     ? by_text
                   : step->cut != NULL ? by_function
                                       : by_regex,
                   err);
}

static weft_status byte_level_check(txt_steps *s, txt_step *step, weft_error *err)
{
    step->cut = txt_split_gpt2;
    return step == &s->at[s->n - 1]
               ? WEFT_OK
               : weft_fail(err, WEFT_E_UNSUPPORTED,
                           "tokenizer.json has a pre_tokenizer after ByteLevel");
}

/* Copies every piece, with a space before it where it has none. */
static weft_status put_spaces(const txt_pieces *from, txt_pieces *to, weft_error *err)
{
    uint64_t        n;
    const txt_span *spans = spans_of(from, &n);
    weft_status     s = WEFT_OK;
    for (uint64_t i = 0; s == WEFT_OK && i < n; i++) {
        const uint64_t begin = to->own.n;
        if (from->text[spans[i].from] != ' ')
            s = txt_buf_add(&to->own, " ", 1, err);
        if (s == WEFT_OK)
            s = txt_buf_add(&to->own, from->text + spans[i].from, spans[i].to - spans[i].from, err);
        if (s == WEFT_OK)
            s = txt_span_add(to, begin, to->own.n, err);
    }
    to->text = to->own.p;
    return s;
}

/* Cuts the pieces in `to` once more, by way of `from`'s spans, which are not needed any longer. */
static weft_status cut_again(const txt_steps *s, const txt_step *step, int behavior, txt_pieces *to,
                             ranges_of ranges, weft_error *err)
{
    txt_pieces done = {.text = to->text, .spans = {.host = to->spans.host}};
    txt_buf    swap = done.spans;
    done.spans = to->spans;
    to->spans = swap;
    weft_status status = cut_all(s, step, behavior, &done, to, ranges, err);
    txt_buf_free(&done.spans);
    return status;
}

static weft_status byte_level(const txt_steps *s, const txt_step *step, const txt_pieces *from,
                              txt_pieces *to, weft_error *err)
{
    if (!step->adds_space)
        return cut_all(s, step, TXT_ISOLATED, from, to, by_function, err);
    weft_status status = put_spaces(from, to, err);
    if (status != WEFT_OK || !step->splits)
        return status;
    return cut_again(s, step, TXT_ISOLATED, to, by_function, err);
}

static weft_status metaspace_check(txt_steps *s, txt_step *step, weft_error *err)
{
    if (!txt_step_is(s, step->content, MARK))
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         "tokenizer.json has a Metaspace of another character than U+2581");
    if (!step->said_prefix) /* files of before prepend_scheme say add_prefix_space */
        step->prefix = step->adds_space ? TXT_PREFIX_ALWAYS : TXT_PREFIX_NEVER;
    step->pattern = step->content;
    return WEFT_OK;
}

/* Copies a piece with its spaces as marks, and a mark before it where the scheme has one. */
static weft_status put_marks(const uint8_t *text, uint64_t n, bool prefix, txt_buf *to,
                             weft_error *err)
{
    weft_status s = WEFT_OK;
    const bool  marked = text[0] == ' ' || (n >= 3 && memcmp(text, MARK, 3) == 0);
    if (prefix && !marked)
        s = txt_buf_add(to, MARK, 3, err);
    for (uint64_t i = 0; s == WEFT_OK && i < n; i++)
        s = text[i] == ' ' ? txt_buf_add(to, MARK, 3, err) : txt_buf_add(to, text + i, 1, err);
    return s;
}

static weft_status metaspace(const txt_steps *s, const txt_step *step, const txt_pieces *from,
                             txt_pieces *to, weft_error *err)
{
    uint64_t        n;
    const txt_span *spans = spans_of(from, &n);
    weft_status     status = WEFT_OK;
    for (uint64_t i = 0; status == WEFT_OK && i < n; i++) {
        const uint64_t begin = to->own.n;
        const bool     prefix = step->prefix == TXT_PREFIX_ALWAYS ||
                            (step->prefix == TXT_PREFIX_FIRST && from->is_first && i == 0);
        status = put_marks(from->text + spans[i].from, spans[i].to - spans[i].from, prefix,
                           &to->own, err);
        if (status == WEFT_OK)
            status = txt_span_add(to, begin, to->own.n, err);
    }
    to->text = to->own.p;
    return status == WEFT_OK && step->splits
               ? cut_again(s, step, TXT_MERGED_AFTER, to, by_text, err)
               : status;
}

const txt_step_kind txt_pre_tokenizers[] = {
    {"ByteLevel", byte_level_check, NULL, byte_level},
    {"Digits", NULL, NULL, digits},
    {"Split", split_check, NULL, split},
    {"Metaspace", metaspace_check, NULL, metaspace},
};
const uint32_t txt_n_pre_tokenizers = sizeof txt_pre_tokenizers / sizeof *txt_pre_tokenizers;

bool txt_pieces_are_bytes(const txt_steps *s)
{
    return s->n != 0 && strcmp(s->at[s->n - 1].type, "ByteLevel") == 0;
}

static bool does_nothing(const txt_step *step)
{
    return strcmp(step->type, "ByteLevel") == 0 && !step->adds_space && !step->splits;
}

weft_status txt_pieces_cut(const txt_steps *s, const uint8_t *text, uint64_t n, bool is_first,
                           txt_pieces pieces[2], const txt_pieces **out, weft_error *err)
{
    uint32_t now = 0;
    if (n > UINT32_MAX / 4)
        return weft_fail(err, WEFT_E_LIMIT, "the text has more than 1 GiB between special tokens");
    pieces[0].text = text;
    pieces[0].spans.n = pieces[0].own.n = 0;
    pieces[0].is_first = is_first;
    weft_status status = txt_span_add(&pieces[0], 0, n, err);
    for (uint32_t i = 0; status == WEFT_OK && i < s->n; i++) {
        txt_pieces *to = &pieces[1 - now];
        if (does_nothing(&s->at[i]))
            continue;
        to->spans.n = 0;
        if (pieces[now].text == to->own.p) { /* the text is in the memory that will be written */
            txt_buf swap = to->own;
            to->own = pieces[now].own;
            pieces[now].own = swap;
        }
        to->own.n = 0;
        to->is_first = is_first;
        status = s->at[i].kind->cut(s, &s->at[i], &pieces[now], to, err);
        now = 1 - now;
    }
    *out = &pieces[now];
    return status;
}
