/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the methods of strings. */
#ifndef TPL_METHODS_STR_H
#define TPL_METHODS_STR_H

#include "run.h"

typedef struct tpl_str_call {
    tpl_run        *r;
    tpl_state      *s;
    const tpl_text *t;
    const tpl_args *a;
    bool            markup; /* the text is marked as safe HTML, and so is what it becomes */
} tpl_str_call;

tpl_value tpl_str_isdigit(const tpl_str_call *c);
tpl_value tpl_str_isalpha(const tpl_str_call *c);
tpl_value tpl_str_isalnum(const tpl_str_call *c);
tpl_value tpl_str_isspace(const tpl_str_call *c);
tpl_value tpl_str_isupper(const tpl_str_call *c);
tpl_value tpl_str_islower(const tpl_str_call *c);
tpl_value tpl_str_ljust(const tpl_str_call *c);
tpl_value tpl_str_rjust(const tpl_str_call *c);
tpl_value tpl_str_center(const tpl_str_call *c);

#endif
