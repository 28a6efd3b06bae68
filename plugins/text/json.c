/* SPDX-License-Identifier: Apache-2.0 */
/* Reads JSON as a sequence of values with their paths. A tokenizer.json has up to 17 MB, nearly all
 * of it in two flat lists. Read in this way it is never held as a tree, needs no recursion, and
 * takes memory only from the host. The reader is as strict as RFC 8259, with limits on depth and on
 * the length of strings, and strings must be UTF-8. */
#include "json.h"

#include "unicode.h"

weft_status txt_json_bad(txt_json *j, weft_error *err, const char *what)
{
    return weft_fail(err, WEFT_E_CORRUPT, "%s:%u:%u: %s", j->in.name, j->in.line, j->in.column,
                     what);
}

static weft_status advance(txt_json *j, weft_error *err)
{
    return txt_reader_next(&j->in, &j->c, err);
}

/* The first byte of what was opened, or s. */
static weft_status begin(txt_json *j, weft_status s, weft_error *err)
{
    if (s == WEFT_OK)
        s = advance(j, err);
    if (s != WEFT_OK)
        txt_json_close(j);
    return s;
}

weft_status txt_json_open(const weft_host *h, const weft_package *p, const char *file,
                          txt_json *out, weft_error *err)
{
    memset(out, 0, sizeof *out);
    out->text.host = out->key.host = h;
    return begin(out, txt_reader_open(h, p, file, TXT_MAX_JSON_FILE, &out->in, err), err);
}

weft_status txt_json_open_source(const weft_host *h, const weft_source *source, const char *name,
                                 txt_json *out, weft_error *err)
{
    memset(out, 0, sizeof *out);
    out->text.host = out->key.host = h;
    return begin(out, txt_reader_open_source(h, source, name, TXT_MAX_JSON_FILE, &out->in, err),
                 err);
}

void txt_json_close(txt_json *j)
{
    txt_buf_free(&j->text);
    txt_buf_free(&j->key);
    txt_reader_close(&j->in);
}

static weft_status skip_space(txt_json *j, weft_error *err)
{
    weft_status s = WEFT_OK;
    while (s == WEFT_OK && (j->c == ' ' || j->c == '\t' || j->c == '\n' || j->c == '\r'))
        s = advance(j, err);
    return s;
}

static weft_status add_byte(txt_json *j, txt_buf *to, int byte, weft_error *err)
{
    uint8_t b = (uint8_t)byte;
    if (to->n < to->cap) {
        to->p[to->n++] = b;
        return WEFT_OK;
    }
    if (to->n >= TXT_MAX_STRING)
        return weft_fail(err, WEFT_E_LIMIT, "%s:%u: a string is longer than %llu bytes", j->in.name,
                         j->in.line, (unsigned long long)TXT_MAX_STRING);
    return txt_buf_add(to, &b, 1, err);
}

/* Puts a NUL after the n bytes, without counting it. */
static weft_status terminate(txt_buf *b, weft_error *err)
{
    weft_status s = txt_buf_reserve(b, 1, err);
    if (s == WEFT_OK)
        b->p[b->n] = 0;
    return s;
}

static int hex_digit(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads the four digits after \u. Afterwards j->c is the last of them. */
static weft_status read_hex4(txt_json *j, uint32_t *unit, weft_error *err)
{
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        weft_status s = advance(j, err);
        if (s != WEFT_OK)
            return s;
        int digit = hex_digit(j->c);
        if (digit < 0)
            return txt_json_bad(j, err, "\\u is not followed by four hexadecimal digits");
        *unit = *unit << 4 | (uint32_t)digit;
    }
    return WEFT_OK;
}

/* Reads \uXXXX, and the second half too where it is the first of a surrogate pair. */
static weft_status read_unicode_escape(txt_json *j, txt_buf *to, weft_error *err)
{
    uint8_t     utf8[4];
    uint32_t    cp, low = 0;
    weft_status s = read_hex4(j, &cp, err);
    if (s == WEFT_OK && cp >= 0xd800 && cp <= 0xdbff) {
        if ((s = advance(j, err)) == WEFT_OK && j->c == '\\' && (s = advance(j, err)) == WEFT_OK &&
            j->c == 'u')
            s = read_hex4(j, &low, err);
        cp = low >= 0xdc00 && low <= 0xdfff ? 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00) : cp;
    }
    if (s != WEFT_OK)
        return s;
    if (cp >= 0xd800 && cp <= 0xdfff)
        return txt_json_bad(j, err, "a string holds half of a surrogate pair");
    uint32_t n = txt_utf8_put(cp, utf8);
    for (uint32_t i = 0; s == WEFT_OK && i < n; i++)
        s = add_byte(j, to, utf8[i], err);
    return s;
}

static weft_status read_escape(txt_json *j, txt_buf *to, weft_error *err)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    weft_status       s = advance(j, err);
    if (s != WEFT_OK)
        return s;
    if (j->c == 'u')
        return read_unicode_escape(j, to, err);
    const char *name = j->c > 0 ? strchr(names, j->c) : NULL;
    if (name == NULL)
        return txt_json_bad(j, err, "a string holds an unknown escape");
    return add_byte(j, to, values[name - names], err);
}

/* Reads a string. Before, j->c is the opening quote; afterwards it is the byte past the closing
 * one. */
static weft_status read_string(txt_json *j, txt_buf *to, weft_error *err)
{
    weft_status s;
    to->n = 0;
    while ((s = advance(j, err)) == WEFT_OK && j->c != '"') {
        if (j->c < 0)
            return txt_json_bad(j, err, "the file ends within a string");
        if (j->c < 0x20)
            return txt_json_bad(j, err, "a string holds a control character");
        s = j->c == '\\' ? read_escape(j, to, err) : add_byte(j, to, j->c, err);
        if (s != WEFT_OK)
            return s;
    }
    if (s == WEFT_OK && !txt_utf8_valid(to->p, to->n))
        return txt_json_bad(j, err, "a string is not UTF-8");
    if (s == WEFT_OK)
        s = terminate(to, err);
    return s == WEFT_OK ? advance(j, err) : s;
}

static const char *digits(const char *s)
{
    while (*s >= '0' && *s <= '9')
        s++;
    return s;
}

static bool is_number(const char *s)
{
    s += *s == '-';
    const char *end = *s == '0' ? s + 1 : digits(s);
    if (end == s)
        return false;
    if (*end == '.') {
        s = end + 1;
        end = digits(s);
        if (end == s)
            return false;
    }
    if (*end == 'e' || *end == 'E') {
        s = end + 1;
        s += *s == '+' || *s == '-';
        end = digits(s);
        if (end == s)
            return false;
    }
    return *end == '\0';
}

/* UTF-8's, or one of UTF-16's. */
static bool at_byte_order_mark(const txt_json *j)
{
    return j->in.line == 1 && j->in.column == 1 && (j->c == 0xEF || j->c == 0xFE || j->c == 0xFF);
}

static weft_status read_number(txt_json *j, weft_error *err)
{
    weft_status s = WEFT_OK;
    j->text.n = 0;
    while (s == WEFT_OK && j->c > 0 && strchr("+-.0123456789eE", j->c) != NULL) {
        s = add_byte(j, &j->text, j->c, err);
        if (s == WEFT_OK)
            s = advance(j, err);
    }
    if (s == WEFT_OK)
        s = terminate(&j->text, err);
    if (s == WEFT_OK && !is_number((const char *)j->text.p))
        return txt_json_bad(j, err,
                            at_byte_order_mark(j)
                                ? "this is no number but a byte order mark, which JSON may not "
                                  "have: save the file as UTF-8 without one"
                                : "this is no number");
    j->event = TXT_J_NUMBER;
    return s;
}

static weft_status read_word(txt_json *j, const char *word, int event, weft_error *err)
{
    weft_status s = WEFT_OK;
    for (; s == WEFT_OK && *word != '\0'; word++) {
        if (j->c != *word)
            return txt_json_bad(j, err, "a value is expected here");
        s = advance(j, err);
    }
    j->event = event;
    return s;
}

static weft_status push(txt_json *j, bool array, weft_error *err)
{
    if (j->depth == TXT_MAX_DEPTH)
        return weft_fail(err, WEFT_E_LIMIT, "%s:%u:%u: values are nested more than %u deep",
                         j->in.name, j->in.line, j->in.column, TXT_MAX_DEPTH);
    j->level[j->depth].path_bytes = (uint32_t)strlen(j->path);
    j->level[j->depth].count = 0;
    j->level[j->depth++].array = array;
    j->event = array ? TXT_J_ARRAY : TXT_J_OBJECT;
    return advance(j, err);
}

static weft_status read_value(txt_json *j, weft_error *err)
{
    switch (j->c) {
    case '{':
        return push(j, false, err);
    case '[':
        return push(j, true, err);
    case '"':
        j->event = TXT_J_STRING;
        return read_string(j, &j->text, err);
    case 't':
        return read_word(j, "true", TXT_J_TRUE, err);
    case 'f':
        return read_word(j, "false", TXT_J_FALSE, err);
    case 'n':
        return read_word(j, "null", TXT_J_NULL, err);
    case -1:
        return txt_json_bad(j, err, "the file ends before its last value does");
    default:
        return read_number(j, err);
    }
}

/* Sets the path of the value that j->key names in the innermost object, or of item `index` in the
 * innermost list. Dots and brackets within the key become '?', so that no key can be taken for a
 * path. */
static void name_value(txt_json *j, uint32_t index)
{
    uint32_t at = j->level[j->depth - 1].path_bytes;
    if (j->level[j->depth - 1].array) {
        snprintf(j->path + at, sizeof j->path - at, "[%u]", index);
        return;
    }
    if (at > 0 && at + 1 < sizeof j->path)
        j->path[at++] = '.';
    for (uint64_t i = 0; i < j->key.n && at + 1 < sizeof j->path; i++) {
        uint8_t c = j->key.p[i];
        j->path[at++] = c == '.' || c == '[' || c == '\0' ? '?' : (char)c;
    }
    j->path[at] = '\0';
}

static weft_status read_key(txt_json *j, weft_error *err)
{
    if (j->c != '"')
        return txt_json_bad(j, err, "a key in quotes is expected here");
    weft_status s = read_string(j, &j->key, err);
    if (s == WEFT_OK)
        s = skip_space(j, err);
    if (s == WEFT_OK && j->c != ':')
        return txt_json_bad(j, err, "a colon is expected here");
    if (s == WEFT_OK)
        s = advance(j, err);
    return s == WEFT_OK ? skip_space(j, err) : s;
}

/* Reads the next value of the innermost container, or its end. */
static weft_status read_member(txt_json *j, weft_error *err)
{
    bool        array = j->level[j->depth - 1].array;
    uint32_t    count = j->level[j->depth - 1].count;
    weft_status s = WEFT_OK;
    if (j->c == (array ? ']' : '}')) {
        j->path[j->level[--j->depth].path_bytes] = '\0';
        j->event = TXT_J_CLOSE;
        return advance(j, err);
    }
    if (count > 0) {
        if (j->c != ',')
            return txt_json_bad(j, err, "a comma or the end of a list is expected here");
        if ((s = advance(j, err)) == WEFT_OK)
            s = skip_space(j, err);
    }
    if (s == WEFT_OK && !array)
        s = read_key(j, err);
    if (s != WEFT_OK)
        return s;
    name_value(j, count);
    j->level[j->depth - 1].count++;
    return read_value(j, err);
}

weft_status txt_json_next(txt_json *j, weft_error *err)
{
    weft_status s = skip_space(j, err);
    if (s != WEFT_OK)
        return s;
    if (j->depth > 0)
        return read_member(j, err);
    if (!j->begun) {
        j->begun = true;
        return read_value(j, err);
    }
    if (j->c != -1)
        return txt_json_bad(j, err, "something follows the end of the document");
    j->event = TXT_J_END;
    return WEFT_OK;
}

weft_status txt_json_skip(txt_json *j, weft_error *err)
{
    uint32_t    outside = j->depth - 1;
    weft_status s = WEFT_OK;
    while (s == WEFT_OK && j->depth > outside)
        s = txt_json_next(j, err);
    return s;
}

weft_status txt_json_uint(txt_json *j, uint32_t max, uint32_t *out, weft_error *err)
{
    uint64_t value = 0;
    if (j->event != TXT_J_NUMBER)
        return txt_json_bad(j, err, "a whole number is expected here");
    for (uint64_t i = 0; i < j->text.n; i++) {
        uint8_t c = j->text.p[i];
        if (c < '0' || c > '9')
            return txt_json_bad(j, err, "a whole number that is not negative is expected here");
        value = value * 10 + (c - '0');
        if (value > max)
            return weft_fail(err, WEFT_E_CORRUPT, "%s:%u:%u: the number is larger than %u",
                             j->in.name, j->in.line, j->in.column, max);
    }
    *out = (uint32_t)value;
    return WEFT_OK;
}

bool txt_json_is(const txt_json *j, int what, const char *text)
{
    switch (what) {
    case TXT_IS_NULL:
        return j->event == TXT_J_NULL;
    case TXT_IS_EMPTY:
        return j->event == TXT_J_NULL || (j->event == TXT_J_STRING && j->text.n == 0);
    case TXT_IS_TRUE:
        return j->event == TXT_J_TRUE;
    case TXT_IS_FALSE:
        return j->event == TXT_J_FALSE || j->event == TXT_J_NULL;
    case TXT_IS_TEXT:
        return j->event == TXT_J_STRING && j->text.n == strlen(text) &&
               memcmp(j->text.p, text, j->text.n) == 0;
    default:
        return false;
    }
}
