/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the lexer. */
#ifndef TPL_LEXING_H
#define TPL_LEXING_H

#include "lexer.h"

typedef struct tpl_lexer {
    tpl_state     *s;
    const uint8_t *p;
    uint64_t       n, at;
    bool           line_begins; /* what was read last ended with a newline */
    tpl_tokens    *out;
} tpl_lexer;

bool tpl_lex_put(tpl_lexer *l, tpl_token token);
int  tpl_lex_peek(const tpl_lexer *l, uint64_t ahead); /* -1: the end */
void tpl_lex_go(tpl_lexer *l, uint64_t n);             /* over n bytes, counting lines */
bool tpl_lex_space_at(const tpl_lexer *l, uint64_t at, uint32_t *bytes);

/* lexer_words.c: what begins here, whose first character was looked at. */
bool tpl_lex_is_name(uint32_t cp, bool first);
void tpl_lex_number(tpl_lexer *l);
void tpl_lex_string(tpl_lexer *l);
void tpl_lex_name(tpl_lexer *l);
bool tpl_lex_operator(tpl_lexer *l, uint32_t *depth); /* false: none. depth: of open brackets */

#endif
