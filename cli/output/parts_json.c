/* SPDX-License-Identifier: Apache-2.0 */
/* verbose_json, written as a stream. */
#include "output/parts_json.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "output/json.h"
#include "output/subtitles.h"

#define DIGITS 9 /* a float's worth */
#define TIME_DIGITS 15

/* Takes *v. False: it could not be made. */
static bool put_value(cli_sheet *s, json_t *v, size_t digits)
{
    char *text = v != NULL ? json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits)) : NULL;
    json_decref(v);
    if (text == NULL)
        return false;
    cli_sheet_put(s, text, strlen(text));
    free(text);
    return true;
}

void cli_parts_json_begin(cli_sheet *s, const char *task, const char *language)
{
    char   name[64];
    size_t n = 0;
    for (; language != NULL && language[n] != '\0' && n + 1 < sizeof name; n++)
        name[n] = (char)tolower((unsigned char)language[n]);
    name[n] = '\0';
    cli_sheet_put(s, "{\"task\": ", 9);
    (void)put_value(s, cli_json_string(task), DIGITS);
    cli_sheet_put(s, ", \"language\": ", 14);
    (void)put_value(s, cli_json_string(language != NULL ? name : NULL), DIGITS);
    cli_sheet_put(s, ", \"segments\": [", 15);
}

/* 0 for no text. Long runs of the same words give a large one: a sign of a
 * loop. */
static bool ratio_of(const char *text, size_t bytes, double *ratio)
{
    uLong  room = compressBound((uLong)bytes);
    Bytef *packed = malloc((size_t)room);
    if (packed == NULL)
        return false;
    bool ok = compress(packed, &room, (const Bytef *)text, (uLong)bytes) == Z_OK && room > 0;
    *ratio = ok ? (double)bytes / (double)room : 0.0;
    free(packed);
    return ok;
}

static json_t *tokens_json(const weft_part_result *p)
{
    json_t *ids = json_array();
    for (uint64_t i = 0; ids != NULL && i < p->n_ids; i++)
        if (json_array_append_new(ids, json_integer((json_int_t)p->ids[i])) != 0) {
            json_decref(ids);
            return NULL;
        }
    return ids;
}

static json_t *segment_json(const cli_parts_json *j, const weft_part_result *p)
{
    double  ratio;
    int64_t start, end;
    cli_part_times(p, &start, &end);
    if (!ratio_of(p->text, (size_t)p->text_bytes, &ratio))
        return NULL;
    return json_pack(
        "{s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:s}", "id", (json_int_t)j->n, "seek",
        (json_int_t)(start / 10000), "start", cli_json_real((double)start / 1e6), "end",
        cli_json_real((double)end / 1e6), "text", cli_json_text(p->text, (size_t)p->text_bytes),
        "tokens", tokens_json(p), "temperature",
        cli_json_real(round((double)p->temperature * 1e6) / 1e6), "avg_logprob",
        cli_json_real((double)p->avg_logprob), "compression_ratio", cli_json_real(ratio),
        "no_speech_prob", 0, "finish_reason", p->stopped != 0 ? "stop" : "length");
}

static bool join(cli_parts_json *j, const char *text, size_t n)
{
    size_t need = j->bytes + n + 1;
    if (need > j->cap) {
        char *grown = realloc(j->text, 2 * need);
        if (grown == NULL)
            return false;
        j->text = grown;
        j->cap = 2 * need;
    }
    if (j->bytes > 0 && n > 0)
        j->text[j->bytes++] = ' ';
    if (n > 0)
        memcpy(j->text + j->bytes, text, n);
    j->bytes += n;
    return true;
}

bool cli_parts_json_add(cli_parts_json *j, cli_sheet *s, const weft_part_result *part)
{
    json_t *v = segment_json(j, part);
    char   *text = v != NULL ? json_dumps(v, JSON_REAL_PRECISION(TIME_DIGITS)) : NULL;
    json_decref(v);
    bool ok = text != NULL && join(j, part->text, (size_t)part->text_bytes);
    if (ok) {
        cli_sheet_put(s, ", ", j->n > 0 ? 2 : 0);
        cli_sheet_put(s, text, strlen(text));
        j->n++;
    }
    free(text);
    return ok;
}

bool cli_parts_json_end(cli_parts_json *j, cli_sheet *s, int64_t duration_us)
{
    cli_sheet_put(s, "], \"duration\": ", 15);
    bool ok = put_value(s, cli_json_real((double)duration_us / 1e6), TIME_DIGITS);
    cli_sheet_put(s, ", \"text\": ", 10);
    ok = put_value(s, cli_json_text(j->text != NULL ? j->text : "", j->bytes), DIGITS) && ok;
    cli_sheet_put(s, "}\n", 2);
    return ok;
}

void cli_parts_json_deinit(cli_parts_json *j)
{
    free(j->text);
    memset(j, 0, sizeof *j);
}
