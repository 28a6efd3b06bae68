/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a module's text, and what both halves of its reader share. */
#ifndef PTX_LEX_H
#define PTX_LEX_H

#include "inside.h"

/* kind: 'w' a word (names, numbers, directives, %registers), 's' a string, 0 the end, else that
 * character. */
typedef struct pt_token {
    const char *at;
    uint32_t    n, line;
    char        kind;
} pt_token;

typedef struct pt_reader {
    const char *at, *end;
    uint32_t    line;
    pt_token    token;
    bool        failed;
    char       *why; /* [256] */
    ptx_module *module;
} pt_reader;

void pt_next(pt_reader *r);
bool pt_is(const pt_reader *r, const char *word);
bool pt_take(pt_reader *r, const char *word); /* true: it stood there and is passed */
void pt_need(pt_reader *r, const char *word);
void pt_wrong(pt_reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The word that stands here, as a string; passed. */
void     pt_word(pt_reader *r, char *out, size_t room);
uint64_t pt_number(pt_reader *r); /* with its sign */

/* .global, .const, .shared, .local, .param variables, after the space's word, up to the ; or , or )
 * behind. */
void       pt_variable(pt_reader *r, pt_symbols *to, pt_space space, uint64_t *top, bool external);
pt_symbol *pt_symbol_named(pt_symbols *s, const char *name);
void       pt_body(pt_reader *r, ptx_kernel *k);                     /* after the { of a kernel */
bool       pt_room(void **p, size_t each, size_t n, uint32_t *room); /* for n + 1 of them */

#endif
