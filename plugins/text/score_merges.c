/* SPDX-License-Identifier: Apache-2.0 */
/* SentencePiece joins the pair whose token has the best score. As merges that is: every way to cut
 * a token into two tokens, in the order of the scores. Source: huggingface/transformers
 * convert_slow_tokenizer.py (generate_merges), which makes tokenizer.json of such models so. */
#include <stdlib.h>

#include "text.h"

#include "unicode.h"

#define WORK_MOST                                                                                  \
    ((uint64_t)1 << 31) /* bytes that are looked up: seconds. Real files: 10 million */

typedef struct cut {
    double    score;
    uint32_t  left, right, order; /* characters of both halves; order: as they were found */
    txt_merge merge;
} cut;

static uint32_t characters(const uint8_t *s, uint64_t n)
{
    uint32_t count = 0, length;
    for (uint64_t at = 0; at < n; at += length, count++)
        (void)txt_utf8(s + at, n - at, &length);
    return count;
}

/* All cuts of one token. */
static weft_status cuts_of(const txt_vocab *v, uint32_t id, double score, txt_buf *list,
                           weft_error *err)
{
    const txt_token *t = txt_vocab_token(v, id);
    const uint8_t   *s = txt_vocab_bytes(v, t);
    weft_status      status = WEFT_OK;
    uint32_t         length, left, right;
    (void)txt_utf8(s, t->length, &length);
    for (uint64_t at = length; at < t->length && status == WEFT_OK; at += length) {
        (void)txt_utf8(s + at, t->length - at, &length);
        if ((left = txt_vocab_find(v, s, at)) == TXT_NONE ||
            (right = txt_vocab_find(v, s + at, t->length - at)) == TXT_NONE)
            continue;
        const cut c = {score,
                       characters(s, at),
                       characters(s + at, t->length - at),
                       (uint32_t)(list->n / sizeof c),
                       {left, right, id, 0}};
        status = c.order < TXT_MAX_MERGES
                     ? txt_buf_add(list, &c, sizeof c, err)
                     : weft_fail(err, WEFT_E_LIMIT, "the tokens can be cut in more than %u ways",
                                 TXT_MAX_MERGES);
    }
    return status;
}

/* Best scores first; of one score the longer left half, then the longer right one. */
static int by_rank(const void *a, const void *b)
{
    const cut *x = a, *y = b;
    if (x->score < y->score || x->score > y->score)
        return x->score > y->score ? -1 : 1;
    if (x->left != y->left)
        return x->left > y->left ? -1 : 1;
    if (x->right != y->right)
        return x->right > y->right ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

weft_status txt_score_merges(txt_tokenizer *t, const double *scores, weft_error *err)
{
    txt_buf     list = {.host = t->host};
    uint64_t    work = 0;
    weft_status s = WEFT_OK;
    for (uint32_t id = 0; id < t->vocab.n_ids && s == WEFT_OK; id++) {
        const txt_token *token = txt_vocab_token(&t->vocab, id);
        if (token == NULL)
            continue;
        work += (uint64_t)token->length * token->length;
        s = work < WORK_MOST ? cuts_of(&t->vocab, id, scores[id], &list, err)
                             : weft_fail(err, WEFT_E_LIMIT,
                                         "the tokens are too long for their merges to be found");
    }
    cut     *cuts = (cut *)(void *)list.p;
    uint64_t n = list.n / sizeof *cuts;
    if (s == WEFT_OK && n > 0)
        qsort(cuts, n, sizeof *cuts, by_rank);
    for (uint64_t i = 0; i < n && s == WEFT_OK; i++)
        s = txt_buf_add(&t->merges.list, &cuts[i].merge, sizeof cuts[i].merge, err);
    txt_buf_free(&list);
    return s == WEFT_OK ? txt_merges_index(&t->merges, t->host, err) : s;
}
