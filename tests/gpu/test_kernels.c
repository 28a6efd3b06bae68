/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels of plugins, both bodies through one handle: the CPU's on the device cpu, the GPU's on
 * the device cuda. Tiny, odd, random and empty shapes. */
#include <math.h>
#include <string.h>

#include "call.h"
#include "plugins/speech/ops/search.h"

#define TIMES 5

/* Pictures, tiles, tokens and padding of an image encoder. */
typedef struct picture {
    int64_t n, n_padded, tiles, max_tiles, pictures, d;
} picture;

static picture a_picture(void)
{
    picture p = {.n = call_size(20),
                 .max_tiles = 1 + call_below(4),
                 .pictures = 1 + call_below(2),
                 .d = call_size(140)};
    p.n_padded = p.n + 1 + call_below(5);
    p.tiles = 1 + call_below(p.max_tiles);
    return p;
}

static void embed(call *c)
{
    const picture p = a_picture();
    c->items = p.pictures * p.max_tiles * p.n;
    call_floats(c, OUT, c->items * p.d);
    call_floats(c, IN, p.pictures * p.max_tiles * (p.n - 1) * p.d);
    call_floats(c, IN, p.d);
    call_floats(c, IN, p.max_tiles * p.d);
    call_floats(c, IN, p.n * p.d);
    call_floats(c, IN, p.max_tiles * p.n * p.d);
    call_real(c, 0.37f);
    call_real(c, -0.61f);
    call_integer(c, p.n);
    call_integer(c, p.max_tiles);
    call_integer(c, p.d);
}

static void arrange(call *c)
{
    const picture p = a_picture();
    c->items = p.pictures * p.max_tiles * p.n_padded;
    call_floats(c, OUT, c->items * p.d);
    call_floats(c, IN, p.pictures * p.max_tiles * p.n * p.d);
    call_integer(c, p.n);
    call_integer(c, p.n_padded);
    call_integer(c, p.tiles);
    call_integer(c, p.max_tiles);
    call_integer(c, p.d);
}

static void intervals(call *c)
{
    const picture p = a_picture();
    c->items = p.pictures * p.max_tiles * p.n_padded;
    call_floats(c, OUT, c->items);
    call_floats(c, OUT, c->items);
    call_integer(c, p.tiles * p.n);
    call_integer(c, p.max_tiles * p.n_padded);
}

static void capture(call *c)
{
    const picture p = a_picture();
    const int64_t n_real = p.tiles * p.n, n_rows = p.max_tiles * p.n_padded,
                  n_capture = 1 + call_below(4);
    c->items = p.pictures * n_real;
    call_floats(c, BOTH, c->items * p.d * (1 + n_capture));
    call_floats(c, IN, p.pictures * n_rows * p.d);
    call_integer(c, n_real);
    call_integer(c, n_rows);
    call_integer(c, p.d);
    call_integer(c, n_capture);
    call_integer(c, call_below(n_capture));
}

static void add_tile(call *c)
{
    const picture p = a_picture();
    c->items = p.pictures * p.max_tiles * p.n_padded;
    call_floats(c, BOTH, c->items * p.d);
    call_floats(c, IN, p.max_tiles * p.d);
    call_real(c, 0.29f);
    call_integer(c, p.n);
    call_integer(c, p.n_padded);
    call_integer(c, p.tiles);
    call_integer(c, p.max_tiles * p.n_padded);
    call_integer(c, p.d);
}

static void zero(call *c)
{
    const int64_t d = call_size(300);
    c->items = call_size(40);
    call_floats(c, OUT, c->items * d);
    call_integer(c, d);
}

static void stack(call *c)
{
    const int64_t width = call_size(200), rows = call_size(20),
                  all = width * (rows - 1) + call_size(width);
    c->items = rows;
    call_floats(c, OUT, rows * width);
    call_floats(c, IN, all);
    call_integer(c, all);
    call_integer(c, width);
    call_real(c, 0.5f);
}

static void glu(call *c)
{
    const int64_t d = call_size(300);
    c->items = call_size(20);
    call_floats(c, OUT, c->items * d);
    call_floats(c, IN, c->items * 2 * d);
    call_integer(c, d);
}

static void rope_table(call *c)
{
    const int64_t head_dim = 2 * call_size(80);
    c->items = call_size(60);
    call_floats(c, OUT, c->items * head_dim);
    call_integer(c, head_dim);
    call_real(c, 10000.0f);
}

static void rotate(call *c)
{
    const int64_t head_dim = 2 * call_size(40), d = head_dim * (1 + call_below(4));
    c->items = call_size(30);
    call_floats(c, BOTH, c->items * d);
    call_floats(c, IN, c->items * head_dim);
    call_integer(c, d);
    call_integer(c, head_dim);
}

static void depthwise(call *c)
{
    const int64_t n = call_size(40), d = call_size(300), width = call_size(31);
    c->items = n;
    call_floats(c, OUT, n * d);
    call_floats(c, IN, n * d);
    call_floats(c, IN, d * width);
    call_floats(c, IN, d);
    call_floats(c, IN, d);
    call_integer(c, n);
    call_integer(c, d);
    call_integer(c, width);
    call_integer(c, width / 2);
    call_real(c, 1e-5f);
}

static void relative(call *c)
{
    const int64_t heads = 1 + call_below(3), head_dim = call_size(70), n = call_size(140);
    const int64_t left = call_below(65), right = call_below(9), rows = n < 20 ? n : 20;
    c->items = rows * heads;
    call_floats(c, OUT, rows * heads * head_dim);
    call_floats(c, IN, rows * heads * head_dim);
    call_floats(c, IN, n * heads * head_dim);
    call_floats(c, IN, n * heads * head_dim);
    call_floats(c, IN, (left + 1 + right) * head_dim);
    call_integer(c, n);
    call_integer(c, heads);
    call_integer(c, head_dim);
    call_integer(c, left);
    call_integer(c, right);
}

static void depthwise_batch(call *c)
{
    const int64_t n = call_size(40), d = call_size(300), width = call_size(31);
    c->items = n;
    call_floats(c, OUT, n * d);
    call_floats(c, IN, n * d);
    call_floats(c, IN, d * width);
    call_floats(c, IN, d);
    call_floats(c, IN, d);
    for (int64_t i = 0; i < d; i++) /* a variance */
        c->arg[4].host[i] *= c->arg[4].host[i];
    call_floats(c, IN, d);
    call_floats(c, IN, d);
    call_integer(c, n);
    call_integer(c, d);
    call_integer(c, width);
    call_integer(c, width / 2);
    call_real(c, 1e-2f);
}

#define CELLS 4096

static float odds(void)
{
    return -(float)call_below(4000) / 1000;
}

/* A tree of words: every node has children until there are as many nodes as there are to be. */
static void make_tree(const spk_words *w)
{
    int32_t *first = (int32_t *)w->first, *letter = (int32_t *)w->letter,
            *word = (int32_t *)w->word;
    int32_t       words = 1, next = 1;
    const int32_t n = w->head.nodes;
    letter[0] = 0;
    for (int32_t i = 0; i < n; i++) {
        int64_t most = n - next < w->head.columns - 1 ? n - next : w->head.columns - 1;
        int64_t least = most > 0 && next == i + 1, children = rig_between(least, most);
        int32_t at = 1 + (int32_t)call_below(w->head.columns - children);
        first[i] = next;
        for (int64_t k = 0; k < children; k++)
            letter[next++] = at++;
        word[i] = i > 0 && words < w->head.words && call_below(2) > 0 ? words++ : SPK_NO_WORD;
        ((float *)w->best)[i] = odds();
    }
    first[n] = next;
}

/* Words of two tokens each, and behind each the pairs with so many of the first words. */
static void make_words(const spk_words *w, int32_t pairs)
{
    int32_t *after = (int32_t *)w->after, *begin = (int32_t *)w->begin;
    for (int32_t i = 0; i <= w->head.words; i++) {
        after[i] = i * pairs;
        begin[i] = i * 2;
    }
    for (int32_t i = 0; i < w->head.words; i++)
        ((float *)w->alone)[i] = ((float *)w->rest)[i] = odds();
    for (int32_t i = 0; i < w->head.pairs; i++) {
        ((int32_t *)w->second)[i] = i % pairs;
        ((float *)w->pair)[i] = odds();
    }
    for (int32_t i = 0; i < w->head.tokens; i++)
        ((int32_t *)w->token)[i] = (int32_t)call_below(49152);
    for (int32_t i = 0; i < w->head.again; i++)
        ((int32_t *)w->again)[i] = call_below(3) == 0 ? SPK_HEARD : (int32_t)call_below(49152);
    for (int32_t i = 0; i < w->head.fill; i++)
        ((int32_t *)w->fill)[i] = (int32_t)call_below(49152);
}

/* Tables out of a hat, as argument `at`, and what a search of so many frames works in behind them,
 * which both bodies must write alike. */
static spk_words_head make_tables(call *c, int at, int64_t frames, int32_t columns)
{
    static int32_t cells[CELLS];
    const int32_t  words = 1 + (int32_t)call_size(30), pairs = 1 + (int32_t)call_below(words);
    spk_words_head head = {1 + (int32_t)call_size(99),
                           words,
                           words * pairs,
                           words * 2,
                           (int32_t)call_below(9),
                           (int32_t)call_size(9),
                           columns,
                           1,
                           (int32_t)call_size(60),
                           0.5f,
                           1,
                           (float)call_below(30)};
    const int64_t  n = spk_words_cells(&head);
    memcpy(cells, &head, sizeof head);
    const spk_words w = spk_words_at(cells);
    assert_true(n <= CELLS);
    make_tree(&w);
    make_words(&w, pairs);
    call_floats(c, IN, n);
    memcpy(c->arg[at].host, cells, (size_t)n * sizeof *cells);
    call_floats(c, BOTH, spk_search_cells(&head, frames));
    return head;
}

/* Letters of a recording; sometimes one of them is no number. */
static void hear(call *c)
{
    const int32_t columns = 2 + (int32_t)call_size(9);
    const int64_t frames = call_size(160);
    c->items = 1;
    call_floats(c, IN, frames * columns);
    (void)make_tables(c, 1, frames, columns);
    call_integer(c, frames);
    call_integer(c, SPK_FIRST);
    if (call_below(4) == 0)
        c->arg[0].host[call_below(frames * columns)] = NAN;
}

/* What the search left behind: guesses of which some are at the root, and words that were said. */
static void spell(call *c)
{
    const int64_t n = call_size(40), frames = n * 2;
    c->items = 1;
    call_floats(c, OUT, n);
    call_floats(c, OUT, 1);
    const spk_words_head head = make_tables(c, 2, frames, 9);
    spk_search           s = spk_search_in(&head, (int32_t *)c->arg[3].host);
    s.state->broken = call_below(5) == 0;
    s.state->n_now = 1 + (int32_t)call_below(head.beam);
    s.state->n_links = (int32_t)call_below(frames);
    for (int32_t i = 0; i < s.state->n_links; i++)
        s.links[i] = (spk_link){(int32_t)rig_between(-1, i - 1), (int32_t)call_below(head.words)};
    for (int32_t i = 0; i < s.state->n_now; i++)
        s.now[i] = (spk_guess){odds(),
                               (int32_t)(call_below(2) * call_below(head.nodes)),
                               (int32_t)call_below(head.words),
                               0,
                               (int32_t)rig_between(-1, s.state->n_links - 1),
                               SPK_NO_WORD};
    call_integer(c, n);
}

/* bound: 0 where every element takes the same roundings in both bodies. Else expf, powf, sinf and
 * cosf differ by two units in the last place (2^-23 each, an angle of at most 60 radians by 60 of
 * them), and sums are taken in another order. */
typedef struct proof {
    const char *name;
    void (*make)(call *c);
    double bound;
} proof;

static const proof vision[] = {
    {"vis_embed", embed, 0},     {"vis_arrange", arrange, 0},   {"vis_intervals", intervals, 0},
    {"vis_capture", capture, 0}, {"vis_add_tile", add_tile, 0}, {"vis_zero", zero, 0},
};

static const proof speech[] = {
    {"spk_stack", stack, 0},
    {"spk_zero", zero, 0},
    {"spk_glu", glu, 1e-13},
    {"spk_rotate", rotate, 0},
    {"spk_rope_table", rope_table, 1e-10},
    {"spk_depthwise", depthwise, 1e-11},
    {"spk_relative", relative, 1e-11},
};

static const proof granite[] = {
    {"gsp_glu", glu, 1e-13},
    {"gsp_relative", relative, 1e-11},
    {"gsp_depthwise_batch", depthwise_batch, 1e-11},
};

static const proof ultravox[] = {
    {"vox_hear", hear, 0},
    {"vox_spell", spell, 0},
};

#define ALL(list) list, sizeof(list) / sizeof *(list)
static const struct {
    const char  *plugin;
    const proof *proofs;
    size_t       n;
} plugins[] = {{"weft-vision", ALL(vision)},
               {"weft-speech", ALL(speech)},
               {"weft-granite-speech", ALL(granite)},
               {"weft-ultravox", ALL(ultravox)}};
#define PLUGINS (sizeof plugins / sizeof *plugins)

static void prove(const declared *p, const proof *of)
{
    for (int times = 0; times <= TIMES; times++) {
        call c = {.n_args = 0};
        of->make(&c);
        c.items = times == TIMES ? 0 : c.items;
        call_both(call_kernel(p, of->name), p->image, &c, of->bound);
    }
}

static void test_both_bodies(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < PLUGINS; i++) {
        const declared p = call_plugin(plugins[i].plugin);
        assert_int_equal(p.n, plugins[i].n); /* no kernel is left out */
        for (size_t k = 0; k < plugins[i].n; k++)
            prove(&p, &plugins[i].proofs[k]);
    }
}

/* Every plugin that the build gives an image is here. */
static void test_all_are_here(void **unused)
{
    char names[] = WEFT_IMAGE_PLUGINS, *rest = names;
    (void)unused;
    for (char *name; (name = strsep(&rest, " ")) != NULL;) {
        bool here = false;
        for (size_t i = 0; i < PLUGINS; i++)
            here = here || strcmp(plugins[i].plugin, name) == 0;
        if (!here)
            fail_msg("nothing proves the kernels of %s", name);
    }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_both_bodies),
                                          cmocka_unit_test(test_all_are_here)};

int main(void)
{
    return RIG_MAIN(tests, false);
}
