/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on strings that methods and filters share. */
#ifndef TPL_STRINGS_H
#define TPL_STRINGS_H

#include "value.h"

enum { TPL_LEFT = 1, TPL_RIGHT = 2 };
/* Without the white space, or the characters of set where it is not NULL, at the ends named. */
const tpl_text *tpl_strip(tpl_state *s, const tpl_text *t, const tpl_text *set, int ends);
/* most below 0: all of them. An empty `what` stands before each character and at the end. */
const tpl_text *tpl_replace(tpl_state *s, const tpl_text *t, const tpl_text *what,
                            const tpl_text *with, int64_t most);
/* by NULL: runs of white space. The list is of strings; NULL after a failure. */
tpl_list       *tpl_split(tpl_state *s, const tpl_text *t, const tpl_text *by, int64_t most);
tpl_list       *tpl_split_last(tpl_state *s, const tpl_text *t, const tpl_text *by, int64_t most);
const tpl_text *tpl_escaped(tpl_state *s, const tpl_text *t); /* & < > ' " for HTML */
/* v as it goes into a text: printed, and escaped where that is markup and v is none. */
const tpl_text *tpl_inserted(tpl_state *s, const tpl_value *v, bool markup);
tpl_list *tpl_lines(tpl_state *s, const tpl_text *t, bool ends); /* ends: with the line ends */

#endif
