/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of a conversation as values. A medium is a part of its own in a list, or a mark in a
 * text: one private character that counts the media, whose bytes have an origin that nothing else
 * has. */
#include "unicode.h"

#include "messages.h"

#define FIRST_MARK 0xf0000u /* to U+10FFFF: planes 15 and 16 are for private use */
#define MARKS 0x20000u

static tpl_value str(tpl_run *r, const char *text)
{
    return tpl_string(tpl_str(&r->s, text));
}

static void add_mark(tpl_run *r, tpl_build *b)
{
    if (r->n_media == MARKS)
        tpl_fail(&r->s, WEFT_E_LIMIT, "a conversation has more than %u media", MARKS);
    else
        tpl_add_char(b, FIRST_MARK + r->n_media++, TPL_MEDIA);
}

int32_t tpl_media(const uint8_t *p, uint64_t left, uint32_t *n)
{
    const uint32_t cp = txt_utf8(p, left, n);
    return cp == TXT_NONE || cp < FIRST_MARK ? -1 : (int32_t)(cp - FIRST_MARK);
}

static void add_part(tpl_run *r, tpl_build *b, const weft_part *p)
{
    if (p->id >= 0)
        add_mark(r, b);
    else
        tpl_add(b, p->text, p->bytes, TPL_GIVEN);
}

static tpl_value part_value(tpl_run *r, const weft_part *p)
{
    tpl_dict  *d = tpl_dict_new(&r->s);
    tpl_build  b = {.s = &r->s};
    const bool own = p->id >= 0 && r->rq->media == TPL_MEDIA_TYPES;
    tpl_set(&r->s, d, str(r, "type"), str(r, own ? r->rq->media_type(r->rq->ctx, p->id) : "text"));
    if (!own)
        add_part(r, &b, p);
    if (!own)
        tpl_set(&r->s, d, str(r, "text"), tpl_string(tpl_built(&b)));
    return (tpl_value){.type = TPL_DICT, .u.dict = d};
}

static tpl_value content(tpl_run *r, const weft_message *m)
{
    tpl_list *l = tpl_list_new(&r->s);
    tpl_build b = {.s = &r->s};
    for (uint32_t i = 0; i < m->n_parts && !tpl_failed(&r->s); i++) {
        const weft_part *p = WEFT_AT(m->parts, i);
        if (r->rq->media == TPL_MEDIA_MARKS)
            add_part(r, &b, p);
        else
            tpl_push(&r->s, l, part_value(r, p));
    }
    return r->rq->media == TPL_MEDIA_MARKS ? tpl_string(tpl_built(&b)) : tpl_listed(TPL_LIST, l);
}

uint8_t tpl_role_origin(const void *text, uint64_t n)
{
    static const char *const known[] = {"system", "user", "assistant"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (n == strlen(known[i]) && memcmp(text, known[i], n) == 0)
            return TPL_OWN;
    return TPL_GIVEN;
}

tpl_value tpl_messages(tpl_run *r)
{
    tpl_list *l = tpl_list_new(&r->s);
    for (uint32_t i = 0; i < r->rq->n_messages && !tpl_failed(&r->s); i++) {
        const weft_message *m = WEFT_AT(r->rq->m, i);
        tpl_dict           *d = tpl_dict_new(&r->s);
        tpl_set(&r->s, d, str(r, "role"),
                tpl_string(tpl_text_of(&r->s, m->role, strlen(m->role),
                                       tpl_role_origin(m->role, strlen(m->role)))));
        tpl_set(&r->s, d, str(r, "content"), content(r, m));
        tpl_push(&r->s, l, (tpl_value){.type = TPL_DICT, .u.dict = d});
    }
    return tpl_listed(TPL_LIST, l);
}
