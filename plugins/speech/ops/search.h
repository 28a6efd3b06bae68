/* SPDX-License-Identifier: Apache-2.0 */
/* The search for words in rows of letters, for the CPU's body and the GPU's alike.
 *
 * Scores of letters come in frames, several of a row, as connectionist temporal classification has
 * them (Graves et al. 2006): column 0 is the blank, and a letter that lasts several frames is one
 * letter. A hypothesis is a place in a tree of all words' letters, the word before it and whether
 * its last frame was that letter or the blank. Each frame makes more of them; of two that are the
 * same the likelier one is kept, and of all those the `beam` likeliest that are not further than
 * `width` behind the best. Odds of words are of pairs, with the word alone behind pairs that the
 * tables do not have. In the tree the odds of the likeliest word below a letter are taken at once,
 * and what a word has less than that at its end. Word 0 is the beginning and the end of what is
 * said. training/voice/spell.py is the same in Python. */
#ifndef SPK_SEARCH_H
#define SPK_SEARCH_H

#include "words.h"

typedef struct spk_guess {
    float   odds;
    int32_t node, before, last; /* last: the letter's column, or 0: the blank */
    int32_t said, ends;         /* the link of the words before; the word that this frame ends */
} spk_guess;

typedef struct spk_link {
    int32_t said, word;
} spk_link;

/* What is known between two launches. */
typedef struct spk_search_state {
    int32_t n_now, n_links;
    int32_t broken, reserved; /* broken: a score was no finite number */
} spk_search_state;

/* What a search of so many frames works in. */
typedef struct spk_search {
    spk_search_state *state;
    spk_guess        *now, *then; /* [beam], [candidates] */
    int32_t          *slots;      /* [n_slots] of `then`, by what a guess is; -1: free */
    int32_t          *heap;       /* [beam] */
    spk_link         *links;      /* [frames * beam + 1] */
    int32_t           n_now, n_then, n_links, n_slots;
} spk_search;

SPK_BOTH int64_t spk_search_candidates(const spk_words_head *h)
{
    return (int64_t)h->beam * (h->columns + 2);
}

SPK_BOTH int64_t spk_search_slots(const spk_words_head *h)
{
    int64_t n = 1;
    while (n < 2 * spk_search_candidates(h))
        n *= 2;
    return n;
}

SPK_BOTH int64_t spk_search_cells(const spk_words_head *h, int64_t frames)
{
    const int64_t state = sizeof(spk_search_state) / sizeof(int32_t),
                  guess = sizeof(spk_guess) / sizeof(int32_t);
    return state + guess * (h->beam + spk_search_candidates(h)) + spk_search_slots(h) + h->beam +
           2 * (frames * h->beam + 1);
}

/* The search that goes on in these cells. */
SPK_BOTH spk_search spk_search_in(const spk_words_head *h, int32_t *cells)
{
    spk_search s;
    s.state = (spk_search_state *)cells;
    s.now = (spk_guess *)(s.state + 1);
    s.then = s.now + h->beam;
    s.slots = (int32_t *)(s.then + spk_search_candidates(h));
    s.heap = s.slots + spk_search_slots(h);
    s.links = (spk_link *)(s.heap + h->beam);
    s.n_slots = (int32_t)spk_search_slots(h);
    s.n_now = s.state->n_now;
    s.n_links = s.state->n_links;
    s.n_then = 0;
    return s;
}

/* Nothing was heard yet: one guess, at the root, behind the beginning. */
SPK_BOTH void spk_search_begin(spk_search *s)
{
    for (int32_t i = 0; i < s->n_slots; i++)
        s->slots[i] = -1;
    s->now[0].odds = 0;
    s->now[0].node = s->now[0].before = s->now[0].last = 0;
    s->now[0].said = s->now[0].ends = SPK_NO_WORD;
    s->n_now = 1;
    s->n_links = s->state->broken = 0;
}

SPK_BOTH uint32_t spk_guess_hash(const spk_guess *g)
{
    uint32_t h = (uint32_t)g->node * 2654435761u ^ (uint32_t)g->before * 2246822519u;
    h = (h ^ (h >> 15)) + (uint32_t)g->last * 3266489917u;
    return h ^ (h >> 13);
}

/* Adds a guess; of two that are the same the likelier one stays, of equals the first. */
SPK_BOTH void spk_search_add(spk_search *s, const spk_guess *g)
{
    uint32_t at = spk_guess_hash(g) & (uint32_t)(s->n_slots - 1);
    while (s->slots[at] >= 0) {
        spk_guess *known = &s->then[s->slots[at]];
        if (known->node == g->node && known->before == g->before && known->last == g->last) {
            if (g->odds > known->odds)
                *known = *g;
            return;
        }
        at = (at + 1) & (uint32_t)(s->n_slots - 1);
    }
    s->slots[at] = s->n_then;
    s->then[s->n_then++] = *g;
}

/* All that may follow a guess in a frame of scores x [columns], where a word's end has the score
 * `end`. */
SPK_BOTH void spk_search_grow(spk_search *s, const spk_words *w, const spk_guess *from,
                              const float *x, float end)
{
    const int32_t space = w->head.space, word = w->word[from->node];
    spk_guess     g = *from;
    g.ends = SPK_NO_WORD;
    g.last = 0;
    g.odds = from->odds + x[0];
    spk_search_add(s, &g);
    if (from->last != 0) {
        g.last = from->last;
        g.odds = from->odds + x[g.last];
        spk_search_add(s, &g);
    }
    for (int32_t n = w->first[from->node]; n < w->first[from->node + 1]; n++) {
        g.node = n;
        g.last = w->letter[n];
        g.odds = from->odds + x[g.last] + w->head.share * (w->best[n] - w->best[from->node]);
        if (g.last != from->last)
            spk_search_add(s, &g);
    }
    if (word == SPK_NO_WORD || from->last == space)
        return;
    g.node = 0;
    g.before = g.ends = word;
    g.last = space;
    g.odds =
        from->odds + end + w->head.bonus +
        w->head.share * (spk_words_odds(w, from->before, word) - w->best[from->node] + w->best[0]);
    spk_search_add(s, &g);
}

/* Whether candidate a is to be kept rather than b: the likelier, of equals the earlier. */
SPK_BOTH int spk_search_before(const spk_search *s, int32_t a, int32_t b)
{
    const float x = s->then[a].odds, y = s->then[b].odds;
    return x > y || (x == y && a < b);
}

/* The heap has the candidate that is to go first at place 0, and below each place the two that are
 * to stay rather than it. Lets the entry at a place sink to where it belongs. */
SPK_BOTH void spk_search_sink(spk_search *s, int32_t at, int32_t n)
{
    const int32_t self = s->heap[at];
    for (int32_t below = 2 * at + 1; below < n; below = 2 * at + 1) {
        if (below + 1 < n && spk_search_before(s, s->heap[below], s->heap[below + 1]))
            below++;
        if (!spk_search_before(s, self, s->heap[below]))
            break;
        s->heap[at] = s->heap[below];
        at = below;
    }
    s->heap[at] = self;
}

/* The likeliest candidates, `beam` at most, to the heap; their number. */
SPK_BOTH int32_t spk_search_choose(spk_search *s, int32_t beam)
{
    const int32_t n = s->n_then < beam ? s->n_then : beam;
    for (int32_t i = 0; i < n; i++)
        s->heap[i] = i;
    for (int32_t i = n / 2; i-- > 0;)
        spk_search_sink(s, i, n);
    for (int32_t i = n; i < s->n_then; i++)
        if (spk_search_before(s, i, s->heap[0])) {
            s->heap[0] = i;
            spk_search_sink(s, 0, n);
        }
    return n;
}

/* Candidates to guesses; words that end get a link. Odds are those beside the best from here on:
 * sums of many frames would lose what words differ by. */
SPK_BOTH void spk_search_keep(spk_search *s, const spk_words_head *h)
{
    float best = s->then[0].odds;
    for (int32_t i = 1; i < s->n_then; i++)
        best = s->then[i].odds > best ? s->then[i].odds : best;
    const int32_t n = spk_search_choose(s, h->beam);
    s->n_now = 0;
    for (int32_t i = 0; i < n; i++) {
        spk_guess g = s->then[s->heap[i]];
        g.odds -= best;
        if (g.odds < -h->width)
            continue;
        if (g.ends != SPK_NO_WORD) {
            s->links[s->n_links].said = g.said;
            s->links[s->n_links].word = g.ends;
            g.said = s->n_links++;
            g.ends = SPK_NO_WORD;
        }
        s->now[s->n_now++] = g;
    }
}

SPK_BOTH void spk_search_step(spk_search *s, const spk_words *w, const float *x, float end)
{
    s->n_then = 0;
    for (int32_t i = 0; i < s->n_now; i++)
        spk_search_grow(s, w, &s->now[i], x, end);
    for (int32_t i = 0; i < s->n_then; i++) { /* frees the slots that were taken, and no others */
        uint32_t at = spk_guess_hash(&s->then[i]) & (uint32_t)(s->n_slots - 1);
        for (; s->slots[at] >= 0; at = (at + 1) & (uint32_t)(s->n_slots - 1))
            s->slots[at] = -1;
    }
    spk_search_keep(s, &w->head);
}

/* What a guess comes to where the recording ends, if a word ends there; else 0. */
SPK_BOTH int spk_search_end(const spk_words *w, const spk_guess *g, float *odds)
{
    const int32_t word = w->word[g->node];
    float         more = spk_words_odds(w, g->before, 0) - w->best[0];
    if (g->node != 0 && word == SPK_NO_WORD)
        return 0;
    if (g->node != 0)
        more = spk_words_odds(w, g->before, word) - w->best[g->node] + spk_words_odds(w, word, 0);
    *odds = g->odds + w->head.share * more + (g->node != 0 ? w->head.bonus : 0.0f);
    return 1;
}

/* The words that were said, each linked to the one before it; -1: none. Where the recording stops
 * within a word in all guesses, that word is left out. */
SPK_BOTH int32_t spk_search_said(spk_search *s, const spk_words *w)
{
    int32_t found = 0, ended = 0;
    float   most = 0, odds = 0;
    for (int32_t i = 0; i < s->n_now; i++) {
        const int ends = spk_search_end(w, &s->now[i], &odds);
        if (!ends)
            odds = s->now[i].odds;
        if (i == 0 || ends > ended || (ends == ended && odds > most)) {
            found = i;
            ended = ends;
            most = odds;
        }
    }
    const spk_guess *g = &s->now[found];
    if (g->node == 0 || !ended)
        return g->said;
    s->links[s->n_links].said = g->said; /* no frame ended this word */
    s->links[s->n_links].word = w->word[g->node];
    return s->n_links;
}

/* Where frames stand in a recording. */
enum { SPK_GO_ON, SPK_FIRST, SPK_JOIN };

/* Hears so many more frames x [frames, columns]. where: SPK_FIRST, they are the first ones;
 * SPK_JOIN, they were encoded apart from those before, so that neither side need have the space of
 * a word that ends between the two: it may be a blank. */
SPK_BOTH void spk_words_hear(const float *x, const int32_t *tables, int32_t *work, int64_t frames,
                             int64_t where)
{
    const spk_words w = spk_words_at(tables);
    spk_search      s = spk_search_in(&w.head, work);
    if (where == SPK_FIRST)
        spk_search_begin(&s);
    for (int64_t i = 0; i < frames * w.head.columns; i++)
        if (x[i] - x[i] != 0)
            s.state->broken = 1;
    for (int64_t i = 0; i < frames && !s.state->broken; i++) {
        const float *at = x + i * w.head.columns;
        float        end = at[w.head.space];
        if (where == SPK_JOIN && i == 0 && at[0] > end)
            end = at[0];
        spk_search_step(&s, &w, at, end);
    }
    s.state->n_now = s.n_now;
    s.state->n_links = s.n_links;
}

/* Writes the tokens of the words up to link `said` before ids[to]; of more tokens than places the
 * last. Where the first of them stands. */
SPK_BOTH int64_t spk_words_put(int32_t *ids, int64_t to, const spk_search *s, const spk_words *w,
                               int32_t said)
{
    for (; said >= 0 && to > 0; said = s->links[said].said)
        for (int32_t t = w->begin[s->links[said].word + 1];
             t-- > w->begin[s->links[said].word] && to > 0;)
            ids[--to] = w->token[t];
    return to;
}

/* Whether `again` has room in so many places: what was heard, whole and once more, and all that
 * stands behind it. */
SPK_BOTH int spk_words_fits(const spk_words *w, int64_t heard, int64_t places)
{
    int32_t behind = 0;
    while (behind < w->head.again && w->again[w->head.again - 1 - behind] != SPK_HEARD)
        behind++;
    return heard > 0 && behind < w->head.again && heard + behind <= places;
}

/* What was heard: ids [n], the tokens of its words; before them those of `again` where it fits, and
 * before these those of `fill`, the last of which comes as often as places are left. Of more tokens
 * than places the last count. -1 everywhere where a score was no finite number. */
SPK_BOTH void spk_words_spell(int32_t *ids, const int32_t *tables, int32_t *work, int64_t n)
{
    const spk_words w = spk_words_at(tables);
    spk_search      s = spk_search_in(&w.head, work);
    const int64_t   last = w.head.fill - 1;
    if (s.state->broken)
        for (int64_t i = 0; i < n; i++)
            ids[i] = -1;
    if (s.state->broken)
        return;
    const int32_t said = spk_search_said(&s, &w);
    int64_t       to = spk_words_put(ids, n, &s, &w, said);
    const int32_t more = spk_words_fits(&w, n - to, to) ? w.head.again : 0;
    for (int32_t i = more; i-- > 0 && to > 0;) {
        if (w.again[i] == SPK_HEARD)
            to = spk_words_put(ids, to, &s, &w, said);
        else
            ids[--to] = w.again[i];
    }
    for (int64_t i = 0; i < to; i++)
        ids[i] = w.fill[to - 1 - i < last ? to - 1 - i : last];
}

#endif
