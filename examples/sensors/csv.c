/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder: a CSV table of readings to rows of f32.
 *
 * The first line names the columns and begins with "time"; each further line is one reading: the
 * time, which only orders the rows, then one number per channel. */
#include <stdbool.h>

#include "sensors.h"

#define BLOCK 65536u

typedef struct csv {
    const weft_host *host;
    char            *text;
    uint64_t         bytes;
    float           *values; /* [rows, channels] */
    int64_t          rows, channels, next;
} csv;

static int32_t probe(const weft_probe *in)
{
    uint64_t i = 5;
    if (in->head_bytes < 6 || memcmp(in->head, "time", 4) != 0 ||
        (in->head[4] != ',' && in->head[4] != '_'))
        return WEFT_PROBE_NO;
    while (i < in->head_bytes && in->head[i] >= ' ' && in->head[i] < 127)
        i++;
    return i < in->head_bytes && (in->head[i] == '\n' || in->head[i] == '\r') ? WEFT_PROBE_MAGIC
                                                                              : WEFT_PROBE_NO;
}

/* Twice the room, the old bytes kept. */
static weft_status grow(csv *c, uint64_t *cap, weft_error *err)
{
    uint64_t more = *cap == 0 ? BLOCK : *cap * 2;
    char    *text = (char *)c->host->alloc(c->host, more + 1, 16);
    if (text == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for a table of %llu bytes",
                         (unsigned long long)more);
    if (c->text != NULL)
        memcpy(text, c->text, c->bytes);
    c->host->free(c->host, c->text);
    c->text = text;
    *cap = more;
    return WEFT_OK;
}

/* In blocks: a source may be a pipe, whose length nobody knows. */
static weft_status read_all(csv *c, const weft_source *src, const weft_limits *lim, weft_error *err)
{
    uint64_t cap = 0;
    for (;;) {
        weft_status status = c->bytes == cap ? grow(c, &cap, err) : WEFT_OK;
        if (status != WEFT_OK)
            return status;
        int64_t got = src->read_at(src->ctx, c->bytes, c->text + c->bytes, cap - c->bytes);
        if (got < 0)
            return weft_fail(err, (weft_status)got, "the table could not be read");
        c->bytes += (uint64_t)got;
        if (c->bytes > lim->max_decoded_bytes)
            return weft_fail(err, WEFT_E_LIMIT, "the table is over --max-decoded-bytes");
        if (c->bytes < cap) {
            c->text[c->bytes] = '\0';
            return WEFT_OK;
        }
    }
}

/* Sign, digits, point, digits. Written out because strtof() obeys the program's locale. */
static bool number(const char **p, float *out)
{
    const char *s = *p;
    double      v = 0, scale = 1;
    bool        minus = *s == '-', digits = false;
    s += minus || *s == '+';
    for (; *s >= '0' && *s <= '9'; s++, digits = true)
        v = v * 10 + (*s - '0');
    if (*s == '.')
        for (s++; *s >= '0' && *s <= '9'; s++, digits = true)
            v += (*s - '0') * (scale /= 10);
    *out = (float)(minus ? -v : v);
    *p = s;
    return digits && v < 1e30;
}

static bool end_of_line(const char **p)
{
    const char *s = *p;
    s += *s == '\r';
    if (*s != '\n' && *s != '\0')
        return false;
    *p = s + (*s == '\n');
    return true;
}

static const char *skip_line(const char *s)
{
    while (*s != '\n' && *s != '\0')
        s++;
    return s + (*s == '\n');
}

/* One reading into row (NULL: only looked at). */
static bool read_row(const csv *c, const char **p, float *row)
{
    float v;
    if (!number(p, &v))
        return false;
    for (int64_t i = 0; i < c->channels; i++) {
        if (*(*p)++ != ',' || !number(p, &v))
            return false;
        row[i] = v;
    }
    return end_of_line(p);
}

static weft_status measure(csv *c, const weft_limits *lim, weft_error *err)
{
    const char *s = c->text;
    if (strlen(c->text) != c->bytes)
        return weft_fail(err, WEFT_E_CORRUPT, "the table holds a NUL byte");
    for (; *s != '\n' && *s != '\0'; s++)
        c->channels += *s == ',';
    for (s = skip_line(c->text); *s != '\0'; s = skip_line(s))
        c->rows++;
    if (c->channels < 1 || c->channels > SENSORS_MAX_CHANNELS || c->rows < 1)
        return weft_fail(
            err, WEFT_E_CORRUPT,
            "a table of %lld columns and %lld readings; 1 to %d and at least 1 are read",
            (long long)c->channels, (long long)c->rows, SENSORS_MAX_CHANNELS);
    if ((uint64_t)c->rows > lim->max_samples)
        return weft_fail(err, WEFT_E_LIMIT, "%lld readings are over --max-samples",
                         (long long)c->rows);
    return WEFT_OK;
}

static weft_status parse(csv *c, const weft_limits *lim, weft_error *err)
{
    weft_status status = measure(c, lim, err);
    if (status != WEFT_OK)
        return status;
    /* rows and channels are fewer than the bytes of the text: no overflow */
    c->values =
        (float *)c->host->alloc(c->host, (uint64_t)(c->rows * c->channels) * sizeof(float), 64);
    if (c->values == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for %lld readings", (long long)c->rows);
    const char *s = skip_line(c->text);
    for (int64_t r = 0; r < c->rows; r++)
        if (!read_row(c, &s, c->values + r * c->channels))
            return weft_fail(err, WEFT_E_CORRUPT, "line %lld is not %lld numbers", (long long)r + 2,
                             (long long)c->channels + 1);
    return WEFT_OK;
}

static void csv_close(void *dec)
{
    csv *c = (csv *)dec;
    c->host->free(c->host, c->text);
    c->host->free(c->host, c->values);
    c->host->free(c->host, c);
}

static weft_status csv_open(const weft_host *h, const weft_source *src, const char *kind,
                            const weft_limits *lim, void **dec, weft_error *err)
{
    csv *c = (csv *)h->alloc(h, sizeof *c, 16);
    (void)kind;
    if (c == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for a table");
    memset(c, 0, sizeof *c);
    c->host = h;
    weft_status status = read_all(c, src, lim, err);
    if (status == WEFT_OK)
        status = parse(c, lim, err);
    if (status == WEFT_OK)
        *dec = c;
    else
        csv_close(c);
    return status;
}

static weft_status info(void *dec, weft_media_info *out, weft_error *err)
{
    const csv *c = (const csv *)dec;
    (void)err;
    out->row_width = (int32_t)c->channels;
    out->n_rows = c->rows;
    return WEFT_OK;
}

static weft_status read_rows(void *dec, int64_t n, const weft_tensor *dst, int64_t *got,
                             weft_error *err)
{
    csv *c = (csv *)dec;
    *got = n < c->rows - c->next ? n : c->rows - c->next;
    if (dst->bytes < (uint64_t)(*got * c->channels) * sizeof(float))
        return weft_fail(err, WEFT_E_INVALID, "%lld readings of %lld channels do not fit",
                         (long long)*got, (long long)c->channels);
    memcpy(dst->data, c->values + c->next * c->channels,
           (size_t)(*got * c->channels) * sizeof(float));
    c->next += *got;
    return WEFT_OK;
}

static const char *const kinds[] = {SENSORS_KIND, NULL};
const weft_decoder       sensors_decoder = {
          .hdr = WEFT_HDR(weft_decoder),
          .kinds = kinds,
          .probe = probe,
          .open = csv_open,
          .info = info,
          .read_rows = read_rows,
          .close = csv_close,
};
