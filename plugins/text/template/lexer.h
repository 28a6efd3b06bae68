/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens of a template. */
#ifndef TPL_LEXER_H
#define TPL_LEXER_H

#include "value.h"

enum {
    TPL_T_END,
    TPL_T_DATA,  /* text that is written as it is */
    TPL_T_PRINT, /* {{ */
    TPL_T_PRINT_END,
    TPL_T_BLOCK, /* {% */
    TPL_T_BLOCK_END,
    TPL_T_NAME,
    TPL_T_STRING,
    TPL_T_INT,
    TPL_T_FLOAT,
    TPL_T_OP /* op: one byte, or two as TPL_OP2 */
};
#define TPL_OP2(a, b) ((uint32_t)(a) << 8 | (uint32_t)(b))
typedef struct tpl_token {
    int             type;
    uint32_t        op, line;
    const tpl_text *text; /* DATA, NAME, STRING (the value) */
    int64_t         i;
    double          f;
} tpl_token;
typedef struct tpl_tokens {
    tpl_token *at; /* [n], the last one of type END */
    uint64_t   n, cap;
} tpl_tokens;
/* Cuts source, which must be UTF-8, into tokens in the state's memory. */
void tpl_lex(tpl_state *s, const uint8_t *source, uint64_t n, tpl_tokens *out);

/* The value of a string literal's inside, whose escapes are those of Python. */
const tpl_text *tpl_unescape(tpl_state *s, const uint8_t *p, uint64_t n);

#endif
