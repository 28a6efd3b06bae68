/* SPDX-License-Identifier: Apache-2.0 */
/* Times and counts as a person writes them. */
#include "input/values.h"

#include <stdint.h>
#include <string.h>

#include "exit.h"
#include "output/say.h"

#define SECOND_US 1000000
#define TIME_MAX_S 36000000 /* 10000 hours */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits at *p, at most max; false: none, or more. */
static bool take_number(const char **p, int64_t max, int64_t *n)
{
    const char *begin = *p;
    *n = 0;
    for (; is_digit(**p) && *n <= max; (*p)++)
        *n = *n * 10 + (**p - '0');
    return *p > begin && *n <= max;
}

/* ".25": what a microsecond does not reach is dropped. */
static bool take_fraction(const char **p, int64_t *us)
{
    int64_t unit = SECOND_US / 10;
    if (**p != '.')
        return true;
    if (!is_digit(*++*p))
        return false;
    for (; is_digit(**p); (*p)++) {
        *us += (**p - '0') * unit;
        unit /= 10;
    }
    return true;
}

bool cli_parse_time(const char *text, int64_t *us)
{
    int64_t total = 0, n;
    for (int field = 0; field < 3; field++) {
        if (!take_number(&text, field == 0 ? TIME_MAX_S : 59, &n))
            return false;
        total = total * 60 + n;
        if (*text != ':')
            break;
        text++;
    }
    if (total > TIME_MAX_S)
        return false;
    *us = total * SECOND_US;
    return take_fraction(&text, us) && *text == '\0';
}

int32_t cli_time_option(const cli *c, enum cli_own option, int64_t least, int64_t most, int64_t *us)
{
    char    name[48];
    int64_t t = 0;
    if (!cli_has(c, option))
        return CLI_EXIT_OK;
    cli_option_name(&cli_own_options[option], name, sizeof name);
    if (!cli_parse_time(c->value[option], &t))
        return cli_usage(c, "%s %.60s: give seconds, M:SS or H:MM:SS", name, c->value[option]);
    if (t < least || t > most)
        return cli_usage(c, "%s %.60s is not within %g to %g seconds", name, c->value[option],
                         (double)least / SECOND_US, (double)most / SECOND_US);
    *us = t;
    return CLI_EXIT_OK;
}

int32_t cli_count_option(const cli *c, enum cli_own option, int32_t *n)
{
    char        name[48];
    int64_t     value = 0;
    const char *text = c->value[option];
    if (!cli_has(c, option))
        return CLI_EXIT_OK;
    cli_option_name(&cli_own_options[option], name, sizeof name);
    if (!take_number(&text, INT32_MAX, &value) || *text != '\0' || value == 0)
        return cli_usage(c, "%s %.60s: give a whole number from 1 on", name, c->value[option]);
    *n = (int32_t)value;
    return CLI_EXIT_OK;
}

int32_t cli_clip_request(const cli *c, weft_item_request *rq)
{
    int32_t code = cli_count_option(c, OWN_FRAMES, &rq->max_frames);
    if (code == CLI_EXIT_OK)
        code = cli_time_option(c, OWN_START, 0, INT64_MAX, &rq->start_us);
    if (code == CLI_EXIT_OK)
        code = cli_time_option(c, OWN_END, 0, INT64_MAX, &rq->end_us);
    if (code == CLI_EXIT_OK && rq->end_us >= 0 &&
        rq->end_us <= (rq->start_us > 0 ? rq->start_us : 0))
        code = cli_usage(c, "--end %.60s is not behind --start", c->value[OWN_END]);
    return code;
}

#define PARALLEL_DEFAULT 8
#define PARALLEL_MOST 64

int32_t cli_parallel_option(const cli *c, uint32_t *n)
{
    int32_t asked = PARALLEL_DEFAULT, code = cli_count_option(c, OWN_PARALLEL, &asked);
    if (code == CLI_EXIT_OK && asked > PARALLEL_MOST)
        code = cli_usage(c, "--parallel %d: at most %d", asked, PARALLEL_MOST);
    *n = cli_has(c, OWN_FAIL_FAST) ? 1 : (uint32_t)asked;
    for (int32_t i = 0; i < c->n_operands; i++)
        if (strcmp(c->operands[i], "-") == 0)
            *n = 1;
    return code;
}
