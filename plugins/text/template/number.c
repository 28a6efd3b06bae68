/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers to text and back, whatever locale the program has. Source: CPython float_repr_style
 * "short": the fewest digits that give the number again. */
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>

#include "value.h"

/* false: there is more behind the number. */
static bool read_all(const char *s, double *f)
{
    char    *end = NULL;
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    *f = 0;
    if (c == (locale_t)0)
        return false;
    *f = strtod_l(s, &end, c);
    freelocale(c);
    return end != s && *end == '\0';
}

double tpl_float_read(const char *s)
{
    double f;
    (void)read_all(s, &f);
    return f;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

/* inf, infinity and nan with a sign, in any case. */
static bool read_word(const tpl_text *t, double *f)
{
    static const char *const words[] = {"inf", "infinity", "nan"};
    const uint64_t           sign = t->n > 0 && (t->p[0] == '-' || t->p[0] == '+');
    for (int w = 0; w < 3; w++) {
        uint64_t n = 0;
        while (sign + n < t->n && words[w][n] != '\0' && (t->p[sign + n] | 0x20) == words[w][n])
            n++;
        if (sign + n != t->n || words[w][n] != '\0')
            continue;
        *f = w == 2 ? (double)NAN : sign != 0 && t->p[0] == '-' ? -HUGE_VAL : HUGE_VAL;
        return true;
    }
    return false;
}

/* What a number consists of, without the underscores that may stand between two digits. */
static bool copy_number(const tpl_text *t, char *dst, uint32_t cap)
{
    uint32_t n = 0;
    for (uint64_t k = 0; k < t->n; k++) {
        const uint8_t c = t->p[k];
        if (c == '_' && k > 0 && k + 1 < t->n && is_digit(t->p[k - 1]) && is_digit(t->p[k + 1]))
            continue;
        if (n + 1 == cap || !(is_digit(c) || (c != '\0' && strchr("+-.eE", c) != NULL)))
            return false;
        dst[n++] = (char)c;
    }
    dst[n] = '\0';
    return true;
}

bool tpl_number_read(const tpl_text *t, double *f, int64_t *i, bool *whole)
{
    char text[400];
    *i = 0;
    *whole = false;
    if (read_word(t, f))
        return true;
    if (!copy_number(t, text, sizeof text) || !read_all(text, f))
        return false;
    errno = 0;
    *whole = strpbrk(text, ".eE") == NULL;
    *i = *whole ? strtoll(text, NULL, 10) : 0;
    *whole &= errno != ERANGE;
    return true;
}

/* The digits of f > 0, without a point, and the power of ten of the first; returns their number. */
static uint32_t shortest(double f, char digits[20], int *exponent)
{
    char     text[40];
    uint32_t n = 0;
    for (int precision = 0; precision <= 16; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, f);
        if (strtod(text, NULL) == f || precision == 16) /* both in the program's locale */
            break;
    }
    const char *e = strchr(text, 'e');
    for (const char *c = text; c < e; c++)
        if (*c >= '0' && *c <= '9' && n < 19)
            digits[n++] = *c;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    digits[n] = '\0';
    *exponent = (int)strtol(e + 1, NULL, 10);
    return n;
}

static uint32_t put_fixed(const char *digits, int n, int exponent, char *dst)
{
    uint32_t at = 0;
    if (exponent < 0) {
        dst[at++] = '0';
        dst[at++] = '.';
        for (int i = -1; i > exponent; i--)
            dst[at++] = '0';
    }
    for (int i = 0; i < n || i <= exponent; i++) {
        dst[at++] = i < n ? digits[i] : '0';
        if (i == exponent)
            dst[at++] = '.';
    }
    if (dst[at - 1] == '.')
        dst[at++] = '0';
    return at;
}

uint32_t tpl_float_repr(double f, char dst[40])
{
    char     digits[20];
    int      exponent;
    uint32_t at = 0;
    if (isnan(f) || isinf(f))
        return (uint32_t)snprintf(dst, 40, "%s", isnan(f) ? "nan" : f > 0 ? "inf" : "-inf");
    if (signbit(f) != 0)
        dst[at++] = '-';
    if (f == 0)
        return at + put_fixed("0", 1, 0, dst + at);
    const uint32_t n = shortest(fabs(f), digits, &exponent);
    if (exponent >= -4 && exponent < 16)
        return at + put_fixed(digits, (int)n, exponent, dst + at);
    dst[at++] = digits[0];
    if (n > 1) {
        dst[at++] = '.';
        memcpy(dst + at, digits + 1, n - 1);
        at += n - 1;
    }
    return at + (uint32_t)snprintf(dst + at, 40 - at, "e%c%02d", exponent < 0 ? '-' : '+',
                                   exponent < 0 ? -exponent : exponent);
}
