/* SPDX-License-Identifier: Apache-2.0 */
/* Reads tokenizer.model in tiktoken's format: one token a line, "base64 rank\n", with the ranks 0,
 * 1, 2, ... in order. Every line is checked exactly, because a mistake that went unnoticed here
 * would be a wrong word later. Source: openai/tiktoken tiktoken/load.py; meta-llama/llama3
 * llama/tokenizer.py. */
#include "text.h"

#define FILE_NAME "tokenizer.model"
/* The longest line: the longest token in base64, a space and seven digits. */
#define LINE_BYTES (TXT_MAX_TOKEN / 3 * 4 + 4 + 8)

static int sextet(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes one group of four characters. *n becomes the number of bytes that it stands for. Unused
 * bits must be zero. */
static bool group(const uint8_t *s, bool final, uint8_t *dst, uint32_t *n)
{
    int a = sextet(s[0]), b = sextet(s[1]), c = sextet(s[2]), d = sextet(s[3]);
    *n = final && s[3] == '=' ? (s[2] == '=' ? 1 : 2) : 3;
    if (*n < 3)
        d = 0;
    if (*n < 2)
        c = 0;
    if (a < 0 || b < 0 || c < 0 || d < 0)
        return false;
    uint32_t bits = (uint32_t)a << 18 | (uint32_t)b << 12 | (uint32_t)c << 6 | (uint32_t)d;
    for (uint32_t i = 0; i < *n; i++)
        dst[i] = (uint8_t)(bits >> (16 - 8 * i));
    return *n == 3 || (bits & (*n == 2 ? 0xffu : 0xffffu)) == 0;
}

bool txt_base64(const uint8_t *s, uint32_t n, uint8_t *dst, uint32_t *length)
{
    *length = 0;
    if (n == 0 || n % 4 != 0)
        return false;
    for (uint32_t i = 0; i < n; i += 4) {
        uint32_t got;
        if (!group(s + i, i + 4 == n, dst + *length, &got))
            return false;
        *length += got;
    }
    return true;
}

typedef struct line {
    uint8_t  text[LINE_BYTES];
    uint32_t n, number; /* number from 1 */
    bool     last;      /* nothing follows it */
} line;

static weft_status bad_line(const line *l, const char *what, weft_error *err)
{
    return weft_fail(err, WEFT_E_CORRUPT, FILE_NAME ": line %u %s", l->number, what);
}

/* Reads the next line, without its line feed. Where the file ended before another line began, n is
 * 0 and last is set. */
static weft_status line_read(txt_reader *r, line *l, weft_error *err)
{
    int c;
    l->n = 0;
    l->number++;
    for (;;) {
        weft_status s = txt_reader_next(r, &c, err);
        if (s != WEFT_OK)
            return s;
        l->last = c < 0;
        if (c < 0 || c == '\n')
            return WEFT_OK;
        if (l->n == sizeof l->text)
            return bad_line(l, "is longer than a token can be", err);
        l->text[l->n++] = (uint8_t)c;
    }
}

/* Called when line 1 is empty. A SentencePiece model has the same file name; it begins with a line
 * feed and is binary after it. */
static weft_status empty_first(txt_reader *r, line *l, weft_error *err)
{
    weft_status s = line_read(r, l, err);
    for (uint32_t i = 0; s == WEFT_OK && i < l->n; i++)
        if (l->text[i] < 0x20 && l->text[i] != '\r' && l->text[i] != '\t')
            return weft_fail(err, WEFT_E_UNSUPPORTED,
                             FILE_NAME
                             " is a SentencePiece model, not a list of ranks as Llama 3 has it");
    l->number = 1;
    return s == WEFT_OK ? bad_line(l, "is empty", err) : s;
}

/* Whether s is the decimal number `want`, without sign and leading zeros. */
static bool is_rank(const uint8_t *s, uint32_t n, uint32_t want)
{
    char text[16];
    int  digits = snprintf(text, sizeof text, "%u", want);
    return digits > 0 && n == (uint32_t)digits && memcmp(s, text, n) == 0;
}

static weft_status token_add(txt_vocab *v, const line *l, weft_error *err)
{
    uint8_t        token[LINE_BYTES];
    uint32_t       length, rank = l->number - 1;
    const uint8_t *space = memchr(l->text, ' ', l->n);
    if (l->n == 0)
        return bad_line(l, "is empty", err);
    if (space == NULL)
        return bad_line(l, "has no space between token and rank", err);
    uint32_t n = (uint32_t)(space - l->text);
    if (!txt_base64(l->text, n, token, &length) || length == 0)
        return bad_line(l, "does not begin with a token in base64", err);
    if (length > TXT_MAX_TOKEN)
        return bad_line(l, "is longer than a token can be", err);
    if (!is_rank(space + 1, l->n - n - 1, rank))
        return weft_fail(err, WEFT_E_CORRUPT, FILE_NAME ": line %u should end with rank %u",
                         l->number, rank);
    if (rank >= TXT_MAX_VOCAB)
        return weft_fail(err, WEFT_E_LIMIT, FILE_NAME " has more than %u tokens", TXT_MAX_VOCAB);
    return txt_vocab_put(v, rank, token, length, 0, err);
}

static weft_status read_lines(txt_vocab *v, txt_reader *r, line *l, weft_error *err)
{
    weft_status s = WEFT_OK;
    while (s == WEFT_OK && (s = line_read(r, l, err)) == WEFT_OK) {
        if (l->n == 0 && l->last)
            return l->number > 1 ? WEFT_OK : weft_fail(err, WEFT_E_CORRUPT, FILE_NAME " is empty");
        if (l->n == 0 && l->number == 1)
            return empty_first(r, l, err);
        s = token_add(v, l, err);
    }
    return s;
}

static weft_status check(txt_vocab *v, weft_error *err)
{
    uint32_t    twice, first;
    weft_status s = txt_vocab_index(v, &twice, &first, err);
    if (twice != TXT_NONE)
        return weft_fail(err, WEFT_E_CORRUPT, FILE_NAME ": line %u repeats the token of line %u",
                         twice + 1, first + 1);
    uint32_t byte = s == WEFT_OK ? txt_vocab_missing_byte(v) : 256;
    if (byte < 256)
        return weft_fail(err, WEFT_E_CORRUPT, FILE_NAME " has no token for the single byte 0x%02x",
                         byte);
    return s;
}

weft_status txt_model_file_read(txt_vocab *v, const weft_package *p, weft_error *err)
{
    txt_reader  r;
    line        l = {.number = 0};
    weft_status s = txt_reader_open(v->host, p, FILE_NAME, TXT_MAX_MODEL_FILE, &r, err);
    if (s != WEFT_OK)
        return s;
    s = read_lines(v, &r, &l, err);
    txt_reader_close(&r);
    return s == WEFT_OK ? check(v, err) : s;
}
