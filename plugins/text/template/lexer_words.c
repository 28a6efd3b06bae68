/* SPDX-License-Identifier: Apache-2.0 */
/* What stands within a tag: names, numbers, strings and operators. Source: jinja2 lexer.py. */
#include "unicode.h"

#include "lexing.h"

bool tpl_lex_is_name(uint32_t cp, bool first)
{
    if (cp == '_' || (cp < 0x80 && txt_class(cp) == TXT_LETTER))
        return true;
    return cp < 0x80 ? !first && cp >= '0' && cp <= '9' : cp != TXT_NONE && txt_is_word(cp);
}

static uint64_t digits(const tpl_lexer *l, uint64_t at)
{
    while (at < l->n &&
           ((l->p[at] >= '0' && l->p[at] <= '9') ||
            (l->p[at] == '_' && at + 1 < l->n && l->p[at + 1] >= '0' && l->p[at + 1] <= '9')))
        at++;
    return at;
}

static bool digit_at(const tpl_lexer *l, uint64_t at)
{
    return at < l->n && l->p[at] >= '0' && l->p[at] <= '9';
}

/* The end of a number that is no whole one, or 0. */
static uint64_t float_end(const tpl_lexer *l, uint64_t whole)
{
    uint64_t end = whole, at;
    if (end < l->n && l->p[end] == '.' && digit_at(l, end + 1))
        end = digits(l, end + 1);
    at = end;
    if (at < l->n && (l->p[at] | 0x20) == 'e') {
        at++;
        at += at < l->n && (l->p[at] == '+' || l->p[at] == '-');
        if (digit_at(l, at))
            end = digits(l, at);
    }
    return end > whole ? end : 0;
}

void tpl_lex_number(tpl_lexer *l)
{
    char           text[64];
    uint64_t       n = 0, whole = digits(l, l->at);
    const bool     member = l->at > 0 && l->p[l->at - 1] == '.';
    const uint64_t real = member ? 0 : float_end(l, whole), end = real != 0 ? real : whole;
    for (uint64_t at = l->at; at < end; at++)
        if (l->p[at] != '_' && n + 1 < sizeof text)
            text[n++] = (char)l->p[at];
    text[n] = '\0';
    tpl_token t = {.type = real != 0 ? TPL_T_FLOAT : TPL_T_INT};
    bool      too_long = end - l->at >= sizeof text;
    if (real != 0)
        t.f = tpl_float_read(text);
    else
        for (const char *c = text; *c != '\0' && !too_long; c++)
            too_long = __builtin_mul_overflow(t.i, 10, &t.i) ||
                       __builtin_add_overflow(t.i, *c - '0', &t.i);
    if (too_long)
        tpl_fail(l->s, WEFT_E_UNSUPPORTED, "a number has more digits than are known here");
    tpl_lex_put(l, t);
    tpl_lex_go(l, end - l->at);
}

void tpl_lex_string(tpl_lexer *l)
{
    const int quote = l->p[l->at];
    uint64_t  end = l->at + 1;
    while (end < l->n && l->p[end] != quote)
        end += l->p[end] == '\\' ? 2 : 1;
    if (end >= l->n) {
        tpl_fail(l->s, WEFT_E_CORRUPT, "a string has no end");
        return;
    }
    tpl_lex_put(l, (tpl_token){.type = TPL_T_STRING,
                               .text = tpl_unescape(l->s, l->p + l->at + 1, end - l->at - 1)});
    tpl_lex_go(l, end + 1 - l->at);
}

void tpl_lex_name(tpl_lexer *l)
{
    const uint64_t from = l->at;
    uint64_t       end = from;
    uint32_t       bytes = 1;
    while (end < l->n && tpl_lex_is_name(txt_utf8(l->p + end, l->n - end, &bytes), end == from))
        end += bytes;
    tpl_lex_put(l, (tpl_token){.type = TPL_T_NAME,
                               .text = tpl_text_of(l->s, l->p + from, end - from, TPL_OWN)});
    tpl_lex_go(l, end - from);
}

bool tpl_lex_operator(tpl_lexer *l, uint32_t *depth)
{
    static const char *const two[] = {"//", "**", "==", "!=", ">=", "<="};
    const int                c = tpl_lex_peek(l, 0), next = tpl_lex_peek(l, 1);
    for (uint32_t i = 0; i < sizeof two / sizeof *two; i++)
        if (c == two[i][0] && next == two[i][1]) {
            tpl_lex_go(l, 2);
            return tpl_lex_put(l, (tpl_token){.type = TPL_T_OP, .op = TPL_OP2(c, next)});
        }
    if (c == '\0' || strchr("+-/*%~[](){}<>=.:|,;", c) == NULL)
        return false;
    *depth += c == '(' || c == '[' || c == '{';
    *depth -= *depth > 0 && (c == ')' || c == ']' || c == '}');
    tpl_lex_go(l, 1);
    return tpl_lex_put(l, (tpl_token){.type = TPL_T_OP, .op = (uint32_t)c});
}
