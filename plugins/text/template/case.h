/* SPDX-License-Identifier: Apache-2.0 */
/* Upper and lower case as Python's strings have it, and what its repr() shows as it is. */
#ifndef TPL_CASE_H
#define TPL_CASE_H

#include "value.h"

enum { TPL_UPPER, TPL_LOWER, TPL_TITLE };
/* Adds the changed form of cp, which is one to three characters. */
void tpl_add_cased(tpl_build *b, uint32_t cp, int to, uint8_t origin);
bool tpl_is_cased(uint32_t cp);
bool tpl_is_upper(uint32_t cp);
bool tpl_is_lower(uint32_t cp);
bool tpl_is_printable(uint32_t cp);

/* str.upper() and str.lower(); str.title(), which begins each word with a capital;
 * str.capitalize(). */
const tpl_text *tpl_cased(tpl_state *s, const tpl_text *t, int to);
const tpl_text *tpl_titled(tpl_state *s, const tpl_text *t);
const tpl_text *tpl_capitalized(tpl_state *s, const tpl_text *t);

/* case_tables.c */
typedef struct tpl_case_run {
    uint32_t first, last, step;
    int32_t  added; /* to every step-th code point from first to last */
} tpl_case_run;
typedef struct tpl_hidden_run {
    uint32_t first, last;
} tpl_hidden_run;
extern const tpl_case_run tpl_upper_runs[], tpl_lower_runs[], tpl_title_runs[];
/* Those whose form is several characters: the code point, three of upper and three of title case; 0
 * is none. */
extern const uint32_t       tpl_wide[][7];
extern const tpl_hidden_run tpl_hidden[];
extern const uint32_t       tpl_n_upper_runs, tpl_n_lower_runs, tpl_n_title_runs, tpl_n_wide,
    tpl_n_hidden;

#endif
