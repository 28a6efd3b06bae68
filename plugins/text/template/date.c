/* SPDX-License-Identifier: Apache-2.0 */
/* strftime_now: the date of the run in a form that the template asks for, with the names of the C
 * locale. The time of day is midnight. */
#include "run.h"

static int day_of_year(const tpl_date *d)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    const bool       leap = (d->year % 4 == 0 && d->year % 100 != 0) || d->year % 400 == 0;
    return before[d->month - 1] + d->day + (leap && d->month > 2);
}

/* 0: Sunday. Source: Sakamoto's method. */
static int day_of_week(const tpl_date *d)
{
    static const int shift[] = {0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4};
    const int        y = d->year - (d->month < 3);
    return (y + y / 4 - y / 100 + y / 400 + shift[d->month - 1] + d->day) % 7;
}

/* One directive; false: not known. */
static bool directive(const tpl_date *d, int c, char *dst, size_t cap)
{
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};
    const char              *month = months[d->month - 1], *day = days[day_of_week(d)];
    switch (c) {
    case 'Y':
        return snprintf(dst, cap, "%d", d->year) > 0;
    case 'y':
        return snprintf(dst, cap, "%02d", d->year % 100) > 0;
    case 'm':
        return snprintf(dst, cap, "%02d", d->month) > 0;
    case 'd':
        return snprintf(dst, cap, "%02d", d->day) > 0;
    case 'e':
        return snprintf(dst, cap, "%2d", d->day) > 0;
    case 'B':
        return snprintf(dst, cap, "%s", month) > 0;
    case 'b':
    case 'h':
        return snprintf(dst, cap, "%.3s", month) > 0;
    case 'A':
        return snprintf(dst, cap, "%s", day) > 0;
    case 'a':
        return snprintf(dst, cap, "%.3s", day) > 0;
    case 'j':
        return snprintf(dst, cap, "%03d", day_of_year(d)) > 0;
    case 'F':
        return snprintf(dst, cap, "%d-%02d-%02d", d->year, d->month, d->day) > 0;
    case 'D':
    case 'x':
        return snprintf(dst, cap, "%02d/%02d/%02d", d->month, d->day, d->year % 100) > 0;
    case 'w':
        return snprintf(dst, cap, "%d", day_of_week(d)) > 0;
    case 'T':
    case 'X':
        return snprintf(dst, cap, "00:00:00") > 0;
    case 'R':
        return snprintf(dst, cap, "00:00") > 0;
    case 'H':
    case 'M':
    case 'S':
        return snprintf(dst, cap, "00") > 0;
    case 'I':
        return snprintf(dst, cap, "12") > 0;
    case 'p':
        return snprintf(dst, cap, "AM") > 0;
    case '%':
        return snprintf(dst, cap, "%%") > 0;
    default:
        return false;
    }
}

/* %-d and its like: no zero or blank in front. */
static const char *without_padding(const char *text)
{
    while ((*text == '0' || *text == ' ') && text[1] >= '0' && text[1] <= '9')
        text++;
    return text;
}

tpl_value tpl_strftime(tpl_run *r, const tpl_text *format)
{
    tpl_build b = {.s = &r->s};
    if (r->rq->date.month == 0)
        tpl_fail(&r->s, WEFT_E_INVALID,
                 "the template asks for the date, and the option date is none: write it as "
                 "2026-11-30");
    for (uint64_t at = 0; at < format->n && !tpl_failed(&r->s);) {
        char text[32];
        if (format->p[at] != '%' || at + 1 == format->n) {
            tpl_add_part(&b, format, at, at + 1);
            at++;
            continue;
        }
        const bool bare = format->p[at + 1] == '-' && at + 2 < format->n;
        const int  c = format->p[at + 1 + bare];
        if (!directive(&r->rq->date, c, text, sizeof text))
            tpl_fail(&r->s, WEFT_E_UNSUPPORTED, "strftime_now's %%%c is not known here",
                     c >= 0x20 && c < 0x7f ? c : '?');
        else
            tpl_add_str(&b, bare ? without_padding(text) : text, TPL_OWN);
        at += 2 + (uint64_t)bare;
    }
    return tpl_string(tpl_built(&b));
}
