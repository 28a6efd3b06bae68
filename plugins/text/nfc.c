/* SPDX-License-Identifier: Apache-2.0 */
/* Normal form C: characters are taken apart, the marks after each are put in order, and what has
 * one character for it is put together again. Marks are ordered by counting where there are many of
 * them, so that a text of nothing but marks takes no longer than any other. Source: UAX 15. */
#include "unicode.h"

/* Below this code point, and so below this first byte, every character is in normal form C and
 * joins nothing before it. */
#define FIRST_CP 0x300u
#define FIRST_BYTE 0xccu
/* A byte that is not UTF-8 passes through as a code point that does not exist. */
#define RAW_BYTE 0x80000000u
/* Hangul syllables: the Unicode Standard, 3.12. */
#define L_BASE 0x1100u
#define V_BASE 0x1161u
#define T_BASE 0x11a7u
#define S_BASE 0xac00u
#define N_L 19u
#define N_V 21u
#define N_T 28u
#define N_S (N_L * N_V * N_T)

typedef struct letter {
    uint32_t cp, class;
} letter;

static uint32_t class_of(uint32_t cp)
{
    uint32_t lo = 0, hi = txt_n_nfc_classes;
    while (cp >= FIRST_CP && lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (cp > txt_nfc_classes[mid].last)
            lo = mid + 1;
        else
            hi = mid;
    }
    return cp >= FIRST_CP && lo < txt_n_nfc_classes && cp >= txt_nfc_classes[lo].first
               ? txt_nfc_classes[lo].class
               : 0;
}

static weft_status letter_add(txt_buf *to, uint32_t cp, weft_error *err)
{
    const letter x = {cp, class_of(cp)};
    return txt_buf_add(to, &x, sizeof x, err);
}

static weft_status syllable_add(txt_buf *to, uint32_t s, weft_error *err)
{
    weft_status status = letter_add(to, L_BASE + s / (N_V * N_T), err);
    if (status == WEFT_OK)
        status = letter_add(to, V_BASE + s % (N_V * N_T) / N_T, err);
    return status == WEFT_OK && s % N_T != 0 ? letter_add(to, T_BASE + s % N_T, err) : status;
}

/* Appends the decomposition of cp. */
static weft_status apart(txt_buf *to, uint32_t cp, weft_error *err)
{
    uint32_t    lo = 0, hi = txt_n_nfc_decompositions;
    weft_status s = WEFT_OK;
    if (cp - S_BASE < N_S)
        return syllable_add(to, cp - S_BASE, err);
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (txt_nfc_decompositions[mid].cp < cp)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == txt_n_nfc_decompositions || txt_nfc_decompositions[lo].cp != cp)
        return letter_add(to, cp, err);
    const txt_nfc_parts *p = &txt_nfc_decompositions[lo];
    for (uint32_t i = 0; s == WEFT_OK && i < p->n; i++)
        s = letter_add(to, txt_nfc_chars[p->at + i], err);
    return s;
}

/* Orders few marks by their classes; equal ones stay in order. */
static void order_few(letter *x, uint64_t n)
{
    for (uint64_t i = 1; i < n; i++) {
        letter   moving = x[i];
        uint64_t at = i;
        for (; at > 0 && x[at - 1].class > moving.class; at--)
            x[at] = x[at - 1];
        x[at] = moving;
    }
}

static void order_many(letter *x, uint64_t n, letter *spare)
{
    uint64_t begin[257] = {0};
    for (uint64_t i = 0; i < n; i++)
        begin[x[i].class + 1]++;
    for (uint32_t k = 0; k < 256; k++)
        begin[k + 1] += begin[k];
    for (uint64_t i = 0; i < n; i++)
        spare[begin[x[i].class]++] = x[i];
    memcpy(x, spare, n * sizeof *x);
}

static weft_status order(letter *x, uint64_t n, txt_buf *spare, weft_error *err)
{
    for (uint64_t at = 0; at < n;) {
        uint64_t end = at + 1;
        while (x[at].class != 0 && end < n && x[end].class != 0)
            end++;
        if (end - at > 16) {
            weft_status s = txt_buf_reserve(spare, (end - at) * sizeof *x, err);
            if (s != WEFT_OK)
                return s;
            order_many(x + at, end - at, (letter *)(void *)spare->p);
        } else
            order_few(x + at, end - at);
        at = end;
    }
    return WEFT_OK;
}

/* The character that stands for the two, or TXT_NONE. */
static uint32_t together(uint32_t a, uint32_t b)
{
    uint32_t lo = 0, hi = txt_n_nfc_pairs;
    if (a - L_BASE < N_L && b - V_BASE < N_V)
        return S_BASE + ((a - L_BASE) * N_V + (b - V_BASE)) * N_T;
    if (a - S_BASE < N_S && (a - S_BASE) % N_T == 0 && b - T_BASE - 1 < N_T - 1)
        return a + (b - T_BASE);
    while (lo < hi) {
        uint32_t            mid = lo + (hi - lo) / 2;
        const txt_nfc_pair *p = &txt_nfc_pairs[mid];
        if (p->first < a || (p->first == a && p->second < b))
            lo = mid + 1;
        else
            hi = mid;
    }
    const txt_nfc_pair *p = &txt_nfc_pairs[lo];
    return lo < txt_n_nfc_pairs && p->first == a && p->second == b ? p->whole : TXT_NONE;
}

/* Composes in place; returns how many letters are left. */
static uint64_t compose(letter *x, uint64_t n)
{
    uint64_t out = 0, starter = UINT64_MAX;
    for (uint64_t i = 0; i < n; i++) {
        const bool open =
            starter != UINT64_MAX && (out - 1 == starter || x[out - 1].class < x[i].class);
        const uint32_t whole = open ? together(x[starter].cp, x[i].cp) : TXT_NONE;
        if (whole != TXT_NONE) {
            x[starter].cp = whole;
            continue;
        }
        if (x[i].class == 0)
            starter = out;
        x[out++] = x[i];
    }
    return out;
}

static weft_status letters_read(const uint8_t *text, uint64_t n, txt_buf *letters, weft_error *err)
{
    weft_status s = WEFT_OK;
    uint32_t    length;
    for (uint64_t at = 0; s == WEFT_OK && at < n; at += length) {
        uint32_t cp = txt_utf8(text + at, n - at, &length);
        s = cp == TXT_NONE ? letter_add(letters, RAW_BYTE | text[at], err)
                           : apart(letters, cp, err);
    }
    return s;
}

static weft_status letters_write(const letter *x, uint64_t n, txt_buf *to, weft_error *err)
{
    weft_status s = WEFT_OK;
    for (uint64_t i = 0; s == WEFT_OK && i < n; i++) {
        uint8_t  bytes[4] = {(uint8_t)x[i].cp};
        uint32_t length = (x[i].cp & RAW_BYTE) != 0 ? 1 : txt_utf8_put(x[i].cp, bytes);
        s = txt_buf_add(to, bytes, length, err);
    }
    return s;
}

weft_status txt_nfc(const uint8_t *text, uint64_t n, txt_buf *to, weft_error *err)
{
    txt_buf  letters = {.host = to->host}, spare = {.host = to->host};
    uint64_t plain = 0;
    while (plain < n && text[plain] < FIRST_BYTE)
        plain++;
    if (plain == n)
        return txt_buf_add(to, text, n, err);
    weft_status s = letters_read(text, n, &letters, err);
    letter     *x = (letter *)(void *)letters.p;
    uint64_t    count = letters.n / sizeof *x;
    if (s == WEFT_OK)
        s = order(x, count, &spare, err);
    if (s == WEFT_OK)
        s = letters_write(x, compose(x, count), to, err);
    txt_buf_free(&letters);
    txt_buf_free(&spare);
    return s;
}
