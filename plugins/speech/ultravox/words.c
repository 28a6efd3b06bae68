/* SPDX-License-Identifier: Apache-2.0 */
/* A projector that says which letters it hears, and the words that it knows (the keys ctc.*):
 * weft's own extension of Ultravox's layout, for cores so small that they read nothing but their
 * own embeddings.
 *
 * linear_out scores the blank and all letters, several times for each row. The words that these
 * letters are (../ops/search.h) become the core's own tokens. The number of rows follows from the
 * length of the recording alone, so that some are left: these hold the tokens of `again`, which may
 * have what was heard once more, and before them those of `fill`. A core that is shown in words
 * what is to be done is not disturbed by them.
 *
 * The tables are read as numbers and checked whole before anything is searched in them: a tree
 * whose nodes come behind their parents, words in the order of their nodes, pairs in the order of
 * both their words. */
#include "../../common/gpu_image.h"
#include "../ops/kernels.h"
#include "../ops/search.h"
#include "stages.h"

#include <math.h>

static const uint32_t hear_args[] = {PLG_P, PLG_P, PLG_P, PLG_I, PLG_I};
static const uint32_t spell_args[] = {PLG_P, PLG_P, PLG_P, PLG_P, PLG_I};

#define KERNEL(body) PLG_KERNEL("vox_" #body, spk_k_##body, "spk_gpu_" #body, body##_args)
static const weft_kernel_decl kernels[] = {KERNEL(hear), KERNEL(spell)};

/* Rows of a launch, so that Ctrl-C and a GPU's watchdog do not wait for a whole recording. How long
 * one thread of a GPU takes for them has not been measured. */
#define ROWS 64

weft_status vox_words_add(const weft_host *h, weft_error *err)
{
    const weft_if_kernels *launcher = h->get_interface(h, WEFT_IF_KERNELS);
    return launcher->add(h, kernels, sizeof kernels / sizeof *kernels, plg_gpu_fatbin(), err);
}

weft_status vox_words_find(const weft_host *h, const weft_if_ops *ops, vox_speller *out,
                           weft_error *err)
{
    out->launcher = h->get_interface(h, WEFT_IF_KERNELS);
    out->hear = out->launcher->find(h, kernels[0].name);
    out->spell = out->launcher->find(h, kernels[1].name);
    if (out->hear == NULL || out->spell == NULL)
        return weft_fail(err, WEFT_E_INTERNAL, "%s: the host has lost its kernels", VOX_ID);
    if (!WEFT_HAS(ops, weft_if_ops, embed))
        return weft_fail(err, WEFT_E_INVALID,
                         "%s: a projector of letters needs a newer weft, which lends the core's "
                         "embeddings",
                         VOX_ID);
    return WEFT_OK;
}

/* ---- the tables ---- */

#define MOST_ODDS 1e4f

/* A table of numbers as it is read from the file. */
typedef struct reading {
    const vox_ctc_config *c;
    const vox_weights    *w;
    int32_t               vocab;
    weft_status           status;
    weft_error           *err;
} reading;

static void wrong(reading *r, const weft_tensor *t, const char *name, int64_t at, const char *what)
{
    if (r->status == WEFT_OK)
        r->status = weft_fail(r->err, WEFT_E_INVALID,
                              "%s: element %lld of multi_modal_projector.ctc.%s is %g: %s", VOX_ID,
                              (long long)at, name, (double)((const float *)t->data)[at], what);
}

/* A whole number of low .. high; low where it is none, and that is said. */
static int32_t whole(reading *r, const weft_tensor *t, const char *name, int64_t at, int32_t low,
                     int32_t high)
{
    const float v = ((const float *)t->data)[at];
    char        what[64];
    if (v >= (float)low && v <= (float)high && v == floorf(v))
        return (int32_t)v;
    snprintf(what, sizeof what, "it must be a whole number of %d to %d", low, high);
    wrong(r, t, name, at, what);
    return low;
}

/* Log odds: sums of a few of them are exact enough, and no number overflows. */
static float bounded(reading *r, const weft_tensor *t, const char *name, int64_t at)
{
    const float v = ((const float *)t->data)[at];
    if (!(v >= -MOST_ODDS && v <= MOST_ODDS))
        wrong(r, t, name, at, "odds are between -10000 and 10000");
    return v;
}

/* Columns of ctc.tree: letter, children, log odds of the best word, whether a word ends here. */
static void read_tree(reading *r, const spk_words *w)
{
    const weft_tensor *t = &r->w->tree;
    int32_t           *first = (int32_t *)w->first, *letter = (int32_t *)w->letter, words = 1;
    int32_t           *word = (int32_t *)w->word;
    int32_t            next = 1;
    for (int32_t i = 0; i < r->c->nodes && r->status == WEFT_OK; i++) {
        letter[i] = whole(r, t, "tree", 4 * (int64_t)i, i > 0, i > 0 ? r->c->columns - 1 : 0);
        first[i] = next;
        next += whole(r, t, "tree", 4 * (int64_t)i + 1, i + 1 < r->c->nodes && next == i + 1,
                      r->c->nodes - next);
        ((float *)w->best)[i] = bounded(r, t, "tree", 4 * (int64_t)i + 2);
        word[i] = whole(r, t, "tree", 4 * (int64_t)i + 3, 0, i > 0 && words < r->c->words);
        word[i] = word[i] ? words++ : SPK_NO_WORD;
    }
    first[r->c->nodes] = next;
    for (int32_t i = 0; i < r->c->nodes && r->status == WEFT_OK; i++)
        for (int32_t n = first[i] + 1; n < first[i + 1]; n++)
            if (letter[n] <= letter[n - 1])
                wrong(r, t, "tree", 4 * (int64_t)n, "letters behind one letter must ascend");
    if (r->status == WEFT_OK && (next != r->c->nodes || words != r->c->words))
        r->status = weft_fail(r->err, WEFT_E_INVALID,
                              "%s: multi_modal_projector.ctc.tree has %d nodes and %d words, and "
                              "config.json says %d and %d",
                              VOX_ID, next, words, r->c->nodes, r->c->words);
}

/* Columns of ctc.words: log odds alone, what is added behind it, its pairs, its tokens. */
static void read_words(reading *r, const spk_words *w)
{
    const weft_tensor *t = &r->w->words;
    int32_t           *after = (int32_t *)w->after, *begin = (int32_t *)w->begin;
    after[0] = begin[0] = 0;
    for (int32_t i = 0; i < r->c->words && r->status == WEFT_OK; i++) {
        const int64_t at = 4 * (int64_t)i;
        ((float *)w->alone)[i] = bounded(r, t, "words", at);
        ((float *)w->rest)[i] = bounded(r, t, "words", at + 1);
        after[i + 1] = after[i] + whole(r, t, "words", at + 2, 0, r->c->pairs - after[i]);
        begin[i + 1] = begin[i] + whole(r, t, "words", at + 3, 0, r->c->tokens - begin[i]);
    }
    if (r->status == WEFT_OK &&
        (after[r->c->words] != r->c->pairs || begin[r->c->words] != r->c->tokens))
        r->status =
            weft_fail(r->err, WEFT_E_INVALID,
                      "%s: multi_modal_projector.ctc.words has %d pairs and %d tokens, and "
                      "config.json says %d and %d",
                      VOX_ID, after[r->c->words], begin[r->c->words], r->c->pairs, r->c->tokens);
}

/* Columns of ctc.pairs: the second word, log odds. */
static void read_pairs(reading *r, const spk_words *w)
{
    const weft_tensor *t = &r->w->pairs;
    int32_t           *second = (int32_t *)w->second;
    for (int32_t i = 0; i < r->c->words; i++)
        for (int32_t n = w->after[i]; n < w->after[i + 1] && r->status == WEFT_OK; n++) {
            second[n] = whole(r, t, "pairs", 2 * (int64_t)n,
                              n > w->after[i] ? second[n - 1] + 1 : 0, r->c->words - 1);
            ((float *)w->pair)[n] = bounded(r, t, "pairs", 2 * (int64_t)n + 1);
        }
}

/* low: 0, or SPK_HEARD where that may stand for a token. */
static void read_tokens(reading *r, const weft_tensor *t, const char *name, const int32_t *to,
                        int32_t n, int32_t low)
{
    for (int32_t i = 0; i < n && r->status == WEFT_OK; i++)
        ((int32_t *)to)[i] = whole(r, t, name, i, low, r->vocab - 1);
}

/* What stands before what was heard must have it once at least. */
static void read_again(reading *r, const spk_words *w)
{
    const int32_t n = w->head.again;
    int32_t       at = 0;
    if (n > 0)
        read_tokens(r, &r->w->again, "again", w->again, n, SPK_HEARD);
    while (at < n && w->again[at] != SPK_HEARD)
        at++;
    if (n > 0 && at == n && r->status == WEFT_OK)
        r->status =
            weft_fail(r->err, WEFT_E_INVALID,
                      "%s: multi_modal_projector.ctc.again has no -1, which stands for what "
                      "was heard",
                      VOX_ID);
}

static spk_words_head head_of(const vox_ctc_config *c)
{
    spk_words_head h = {c->nodes, c->words,        c->pairs,        c->tokens,
                        c->again, c->fill,         c->columns,      c->space,
                        c->beam,  (float)c->share, (float)c->bonus, (float)c->width};
    return h;
}

weft_status vox_words_read(const weft_host *h, const vox_ctc_config *c, int32_t vocab,
                           vox_weights *w, weft_error *err)
{
    const spk_words_head head = head_of(c);
    const uint64_t       bytes = (uint64_t)spk_words_cells(&head) * sizeof *w->tables;
    w->tables = plg_alloc(h, bytes, "tables of words", err);
    if (w->tables == NULL)
        return WEFT_E_NOMEM;
    memcpy(w->tables, &head, sizeof head);
    const spk_words to = spk_words_at(w->tables);
    reading         r = {c, w, vocab, WEFT_OK, err};
    read_tree(&r, &to);
    if (r.status == WEFT_OK)
        read_words(&r, &to);
    if (r.status == WEFT_OK)
        read_pairs(&r, &to);
    read_tokens(&r, &w->tokens, "tokens", to.token, c->tokens, 0);
    read_again(&r, &to);
    read_tokens(&r, &w->fill, "fill", to.fill, c->fill, 0);
    return r.status;
}

/* ---- the search ---- */

vox_spelling vox_spelling_of(const vox_config *c, int64_t n, plg_arena *a)
{
    const vox_ctc_config *l = &c->projector.ctc;
    const spk_words_head  head = head_of(l);
    vox_spelling          s = {.ids = {.ndim = 0}};
    if (l->columns > 0) {
        s.ids = plg_carve(a, WEFT_I32, n, 0);
        s.nan = plg_carve(a, WEFT_F32, 1, 0);
        s.tables = plg_carve(a, WEFT_I32, spk_words_cells(&head), 0);
        s.work = plg_carve(a, WEFT_I32, spk_search_cells(&head, (n - l->spare) * l->places), 0);
    }
    return s;
}

static void launch(spk_whisper_run *r, const vox_modality *m, const weft_kernel *k,
                   void *const *args)
{
    const weft_launch how = {WEFT_HDR(weft_launch), {1, 1, 1}, {1, 1, 1}, 0, 0, 1, 1};
    if (r->on.status == WEFT_OK)
        r->on.status = m->speller.launcher->launch(r->on.host, r->on.q, k, &how, args, r->on.err);
}

void vox_hear(spk_whisper_run *r, const vox_modality *m, const vox_spelling *s,
              const weft_tensor *scores, int first)
{
    const vox_ctc_config *l = &m->config.projector.ctc;
    const int64_t         n = scores->shape[0];
    void                 *tables = s->tables.data, *work = s->work.data;
    int64_t               where = first ? SPK_FIRST : SPK_JOIN;
    if (first)
        plg_upload(&r->on, &s->tables, m->weights.tables);
    for (int64_t row = 0; row < n; row += ROWS, where = SPK_GO_ON) {
        const int64_t rows = n - row < ROWS ? n - row : ROWS;
        int64_t       frames = rows * l->places;
        float        *x = (float *)scores->data + row * scores->shape[1];
        void         *args[] = {&x, &tables, &work, &frames, &where};
        launch(r, m, m->speller.hear, args);
    }
}

/* A recording whose scores are no numbers becomes NaN, as it would without letters, for the host to
 * find. */
void vox_spell(spk_whisper_run *r, const vox_modality *m, const vox_spelling *s,
               const weft_tensor *out)
{
    int64_t     n = s->ids.shape[0];
    void       *to = s->ids.data, *nan = s->nan.data;
    void       *tables = s->tables.data, *work = s->work.data;
    void       *args[] = {&to, &nan, &tables, &work, &n};
    weft_tensor all = *out;
    launch(r, m, m->speller.spell, args);
    all.data = nan;
    all.bytes = s->nan.bytes;
    memset(all.stride, 0, sizeof all.stride);
    plg_copy(&r->on, out, &all);
    if (r->on.status == WEFT_OK)
        r->on.status = r->on.ops->embed(r->on.host, r->on.q, out, &s->ids, r->on.err);
}
