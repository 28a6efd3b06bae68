/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of words: a tree of their letters, the odds of words alone and in pairs, and their tokens.
 * For the CPU and the GPU alike: all lies in 32-bit cells behind one another. Word 0 is the
 * beginning and the end of what is said. */
#ifndef SPK_WORDS_H
#define SPK_WORDS_H

#include <stdint.h>

#ifdef __CUDACC__
#define SPK_BOTH __host__ __device__ static inline
#else
#define SPK_BOTH static inline
#endif

#define SPK_NO_WORD (-1)
#define SPK_HEARD (-1) /* in `again`: the tokens of all that was heard */

/* The head of the tables, which lie behind one another in 32-bit cells. */
typedef struct spk_words_head {
    int32_t nodes, words, pairs, tokens, again, fill; /* sizes */
    int32_t columns, space;                           /* of scores; the column that ends a word */
    int32_t beam;
    float   share, bonus, width; /* of words' odds beside letters'; of each word; behind the best */
} spk_words_head;

typedef struct spk_words {
    spk_words_head head;
    const int32_t *first;  /* [nodes + 1] node: its first child. Children follow one another, and
                            * come behind their parent */
    const int32_t *letter; /* [nodes] */
    const int32_t *word;   /* [nodes] that ends there, or SPK_NO_WORD */
    const float   *best;   /* [nodes] log odds of the likeliest word there and below */
    const float   *alone;  /* [words] log odds */
    const float   *rest;   /* [words] what is added to `alone` behind this word */
    const int32_t *after;  /* [words + 1] word: its first pair */
    const int32_t *second; /* [pairs] ascending for each first word */
    const float   *pair;   /* [pairs] log odds */
    const int32_t *begin;  /* [words + 1] word: its first token */
    const int32_t *token;  /* [tokens] of the text model */
    const int32_t *again;  /* [again] tokens before what was heard, some of them SPK_HEARD */
    const int32_t *fill;   /* [fill] tokens before all that, the nearest first */
} spk_words;

/* Cells of tables of these sizes. */
SPK_BOTH int64_t spk_words_cells(const spk_words_head *h)
{
    const int64_t head = sizeof *h / sizeof(int32_t);
    return head + 4 * (int64_t)h->nodes + 1 + 4 * ((int64_t)h->words) + 2 + 2 * (int64_t)h->pairs +
           h->tokens + h->again + h->fill;
}

/* The tables that begin at *cells. */
SPK_BOTH spk_words spk_words_at(const int32_t *cells)
{
    spk_words      w;
    const int32_t *at = cells + sizeof w.head / sizeof(int32_t);
    w.head = *(const spk_words_head *)cells;
    w.first = at;
    w.letter = w.first + w.head.nodes + 1;
    w.word = w.letter + w.head.nodes;
    w.best = (const float *)(w.word + w.head.nodes);
    w.alone = w.best + w.head.nodes;
    w.rest = w.alone + w.head.words;
    w.after = (const int32_t *)(w.rest + w.head.words);
    w.second = w.after + w.head.words + 1;
    w.pair = (const float *)(w.second + w.head.pairs);
    w.begin = (const int32_t *)(w.pair + w.head.pairs);
    w.token = w.begin + w.head.words + 1;
    w.again = w.token + w.head.tokens;
    w.fill = w.again + w.head.again;
    return w;
}

/* Log odds of word b behind word a. */
SPK_BOTH float spk_words_odds(const spk_words *w, int32_t a, int32_t b)
{
    int32_t low = w->after[a], high = w->after[a + 1];
    while (low < high) {
        const int32_t middle = low + (high - low) / 2;
        if (w->second[middle] == b)
            return w->pair[middle];
        if (w->second[middle] < b)
            low = middle + 1;
        else
            high = middle;
    }
    return w->rest[a] + w->alone[b];
}

#endif
