/* SPDX-License-Identifier: Apache-2.0 */
/* A template's source to tokens: where text ends and statements begin, and which white space
 * around them is not written. Source: jinja2 lexer.py with trim_blocks and lstrip_blocks. */
#include "unicode.h"

#include "lexing.h"

bool tpl_lex_put(tpl_lexer *l, tpl_token token)
{
    tpl_tokens *t = l->out;
    if (t->n == t->cap) {
        uint64_t   cap = t->cap * 2 + 64;
        tpl_token *at = tpl_alloc(l->s, cap * sizeof *at);
        if (at == NULL)
            return false;
        if (t->n != 0)
            memcpy(at, t->at, t->n * sizeof *at);
        t->at = at;
        t->cap = cap;
    }
    token.line = l->s->line;
    t->at[t->n++] = token;
    return true;
}

int tpl_lex_peek(const tpl_lexer *l, uint64_t ahead)
{
    return l->at + ahead < l->n ? l->p[l->at + ahead] : -1;
}

void tpl_lex_go(tpl_lexer *l, uint64_t n)
{
    for (; n > 0; n--)
        l->s->line += l->p[l->at++] == '\n';
}

bool tpl_lex_space_at(const tpl_lexer *l, uint64_t at, uint32_t *bytes)
{
    *bytes = 1;
    return at < l->n && tpl_is_space(txt_utf8(l->p + at, l->n - at, bytes));
}

static void skip_space(tpl_lexer *l)
{
    uint32_t bytes;
    while (tpl_lex_space_at(l, l->at, &bytes))
        tpl_lex_go(l, bytes);
}

/* Writes p[from..to) as text, without the white space at its end that a tag with this sign behind
 * it takes: all of it, or what stands before the tag on its line. */
static void put_data(tpl_lexer *l, uint64_t from, uint64_t to, int sign, bool lstrips)
{
    uint64_t end = to, line = to;
    while (end > from) { /* back to the last byte that is not white space */
        uint64_t at = end - 1;
        uint32_t bytes;
        while (at > from && (l->p[at] & 0xc0) == 0x80)
            at--;
        if (!tpl_lex_space_at(l, at, &bytes) || at + bytes != end)
            break;
        end = at;
    }
    while (line > from && l->p[line - 1] != '\n')
        line--;
    if (sign == '-')
        to = end;
    else if (sign != '+' && lstrips && (line > from || l->line_begins) && end <= line)
        to = line;
    if (to > from)
        tpl_lex_put(l, (tpl_token){.type = TPL_T_DATA,
                                   .text = tpl_text_of(l->s, l->p + from, to - from, TPL_OWN)});
}

/* The end of a tag at p: its length with the white space behind that it takes; 0: none is there.
 * brace: '%', '}' or '#'; trims: a newline behind it is taken. */
static uint64_t tag_end(const tpl_lexer *l, uint64_t at, int brace, bool trims)
{
    const int sign = at < l->n && (l->p[at] == '-' || (trims && l->p[at] == '+')) ? l->p[at] : 0;
    uint64_t  end = at + (sign != 0);
    uint32_t  bytes;
    if (end + 1 >= l->n || l->p[end] != brace || l->p[end + 1] != '}')
        return 0;
    end += 2;
    if (sign == '-')
        for (; tpl_lex_space_at(l, end, &bytes); end += bytes)
            ;
    else if (sign == 0 && trims && end < l->n && l->p[end] == '\n')
        end++;
    return end - at;
}

static void after_tag(tpl_lexer *l, uint64_t length)
{
    tpl_lex_go(l, length);
    l->line_begins = l->at > 0 && l->p[l->at - 1] == '\n';
}

/* At "{#" and its sign: goes behind the comment. */
static void comment(tpl_lexer *l)
{
    for (uint64_t at = l->at; at + 1 < l->n; at++) {
        uint64_t end =
            l->p[at] == '-' || l->p[at] == '+' || l->p[at] == '#' ? tag_end(l, at, '#', true) : 0;
        if (end != 0) {
            after_tag(l, at + end - l->at);
            return;
        }
    }
    tpl_fail(l->s, WEFT_E_CORRUPT, "a comment has no end: #} is missing");
}

/* The length of white space, `word` and white space from `at` on, up to a tag's end, with the end;
 * 0: it is not that. */
static uint64_t word_tag(const tpl_lexer *l, uint64_t from, const char *word, bool trims)
{
    const uint64_t n = strlen(word);
    uint64_t       at = from;
    uint32_t       bytes;
    for (; tpl_lex_space_at(l, at, &bytes); at += bytes)
        ;
    if (l->n - at < n || memcmp(l->p + at, word, n) != 0)
        return 0;
    for (at += n; tpl_lex_space_at(l, at, &bytes); at += bytes)
        ;
    const uint64_t end = tag_end(l, at, '%', trims);
    return end != 0 ? at + end - from : 0;
}

/* Behind {% raw %}: all up to {% endraw %} is text. */
static void raw(tpl_lexer *l)
{
    const uint64_t from = l->at;
    for (uint64_t at = from; at + 1 < l->n; at++) {
        if (l->p[at] != '{' || l->p[at + 1] != '%')
            continue;
        const int sign =
            at + 2 < l->n && (l->p[at + 2] == '-' || l->p[at + 2] == '+') ? l->p[at + 2] : 0;
        const uint64_t begin = at + 2 + (sign != 0), end = word_tag(l, begin, "endraw", true);
        if (end == 0)
            continue;
        put_data(l, from, at, sign, true);
        after_tag(l, begin + end - l->at);
        return;
    }
    tpl_fail(l->s, WEFT_E_CORRUPT, "{%% raw %%} has no {%% endraw %%}");
}

/* What stands between {% and %}, or {{ and }}. */
static void inside(tpl_lexer *l, int brace)
{
    uint32_t depth = 0, bytes;
    while (!tpl_failed(l->s)) {
        uint64_t end = depth == 0 ? tag_end(l, l->at, brace, brace == '%') : 0;
        if (end != 0) {
            tpl_lex_put(l, (tpl_token){.type = brace == '%' ? TPL_T_BLOCK_END : TPL_T_PRINT_END});
            after_tag(l, end);
            return;
        }
        const int c = tpl_lex_peek(l, 0);
        if (c < 0)
            tpl_fail(l->s, WEFT_E_CORRUPT, "the template ends within a tag");
        else if (tpl_lex_space_at(l, l->at, &bytes))
            skip_space(l);
        else if (c >= '0' && c <= '9')
            tpl_lex_number(l);
        else if (c == '"' || c == '\'')
            tpl_lex_string(l);
        else if (tpl_lex_is_name(txt_utf8(l->p + l->at, l->n - l->at, &bytes), true))
            tpl_lex_name(l);
        else if (!tpl_lex_operator(l, &depth))
            tpl_fail(l->s, WEFT_E_CORRUPT, "byte 0x%02x has no meaning here", (unsigned)c);
    }
}

/* Text up to the next tag, and the tag. */
static void step(tpl_lexer *l)
{
    const uint64_t from = l->at;
    uint64_t       at = from;
    while (at < l->n && !(l->p[at] == '{' && at + 1 < l->n &&
                          (l->p[at + 1] == '{' || l->p[at + 1] == '%' || l->p[at + 1] == '#')))
        at++;
    if (at == l->n) {
        put_data(l, from, at, '+', false);
        tpl_lex_go(l, at - from);
        return;
    }
    const int kind = l->p[at + 1];
    const int sign =
        at + 2 < l->n && (l->p[at + 2] == '-' || l->p[at + 2] == '+') ? l->p[at + 2] : 0;
    const uint64_t begin = at + 2 + (sign != 0);
    put_data(l, from, at, sign, kind != '{');
    tpl_lex_go(l, begin - from);
    if (kind == '#') {
        comment(l);
        return;
    }
    const uint64_t raw_tag = kind == '%' ? word_tag(l, begin, "raw", false) : 0;
    if (raw_tag != 0) {
        after_tag(l, raw_tag);
        raw(l);
        return;
    }
    tpl_lex_put(l, (tpl_token){.type = kind == '%' ? TPL_T_BLOCK : TPL_T_PRINT});
    inside(l, kind == '%' ? '%' : '}');
}

/* Newlines are \n, and the last one is not part of the template. */
static uint64_t normalise(const uint8_t *source, uint64_t n, uint8_t *dst)
{
    uint64_t length = 0;
    for (uint64_t i = 0; i < n; i++) {
        if (source[i] == '\r' && i + 1 < n && source[i + 1] == '\n')
            continue;
        dst[length++] = source[i] == '\r' ? '\n' : source[i];
    }
    return length > 0 && dst[length - 1] == '\n' ? length - 1 : length;
}

void tpl_lex(tpl_state *s, const uint8_t *source, uint64_t n, tpl_tokens *out)
{
    tpl_lexer l = {.s = s, .line_begins = true, .out = out};
    *out = (tpl_tokens){NULL, 0, 0};
    s->line = 1;
    if (n > TPL_MAX_SOURCE)
        tpl_fail(s, WEFT_E_LIMIT, "the template is longer than the %llu bytes it may have",
                 (unsigned long long)TPL_MAX_SOURCE);
    else if (!txt_utf8_valid(source, n))
        tpl_fail(s, WEFT_E_CORRUPT, "the template is not UTF-8");
    uint8_t *text = tpl_alloc(s, n + 1);
    if (text == NULL)
        return;
    l.p = text;
    l.n = normalise(source, n, text);
    while (l.at < l.n && !tpl_failed(s))
        step(&l);
    tpl_lex_put(&l, (tpl_token){.type = TPL_T_END});
}
