/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels of plugins, both bodies through one handle: the CPU's on the device cpu, the GPU's on
 * the device cuda, which here is the real module over the fake driver (and where this program is
 * run without that, a GPU). Tiny, odd and random shapes, five seeds each. Skipped, with the reason,
 * where there is no device cuda. */
#include "kernel_rig.h"

#define SEEDS 5

/* Pictures, tiles, tokens and padding of an image encoder. */
typedef struct picture {
    int64_t n, n_padded, tiles, max_tiles, pictures, d;
} picture;

static picture a_picture(void)
{
    picture p = {.n = rig_size(20),
                 .max_tiles = 1 + rig_random() % 4,
                 .pictures = 1 + rig_random() % 2,
                 .d = rig_size(140)};
    p.n_padded = p.n + 1 + rig_random() % 5;
    p.tiles = 1 + rig_random() % (uint32_t)p.max_tiles;
    return p;
}

static void embed(call *c)
{
    const picture p = a_picture();
    c->items = p.pictures * p.max_tiles * p.n;
    rig_floats(c, OUT, c->items * p.d);
    rig_floats(c, IN, p.pictures * p.max_tiles * (p.n - 1) * p.d);
    rig_floats(c, IN, p.d);
    rig_floats(c, IN, p.max_tiles * p.d);
    rig_floats(c, IN, p.n * p.d);
    rig_floats(c, IN, p.max_tiles * p.n * p.d);
    rig_real(c, 0.37f);
    rig_real(c, -0.61f);
    rig_integer(c, p.n);
    rig_integer(c, p.max_tiles);
    rig_integer(c, p.d);
}

static void arrange(call *c)
{
    const picture p = a_picture();
    c->items = p.pictures * p.max_tiles * p.n_padded;
    rig_floats(c, OUT, c->items * p.d);
    rig_floats(c, IN, p.pictures * p.max_tiles * p.n * p.d);
    rig_integer(c, p.n);
    rig_integer(c, p.n_padded);
    rig_integer(c, p.tiles);
    rig_integer(c, p.max_tiles);
    rig_integer(c, p.d);
}

static void intervals(call *c)
{
    const picture p = a_picture();
    c->items = p.pictures * p.max_tiles * p.n_padded;
    rig_floats(c, OUT, c->items);
    rig_floats(c, OUT, c->items);
    rig_integer(c, p.tiles * p.n);
    rig_integer(c, p.max_tiles * p.n_padded);
}

static void capture(call *c)
{
    const picture p = a_picture();
    const int64_t n_real = p.tiles * p.n, n_rows = p.max_tiles * p.n_padded,
                  n_capture = 1 + rig_random() % 4;
    c->items = p.pictures * n_real;
    rig_floats(c, BOTH, c->items * p.d * (1 + n_capture));
    rig_floats(c, IN, p.pictures * n_rows * p.d);
    rig_integer(c, n_real);
    rig_integer(c, n_rows);
    rig_integer(c, p.d);
    rig_integer(c, n_capture);
    rig_integer(c, rig_random() % (uint32_t)n_capture);
}

static void add_tile(call *c)
{
    const picture p = a_picture();
    c->items = p.pictures * p.max_tiles * p.n_padded;
    rig_floats(c, BOTH, c->items * p.d);
    rig_floats(c, IN, p.max_tiles * p.d);
    rig_real(c, 0.29f);
    rig_integer(c, p.n);
    rig_integer(c, p.n_padded);
    rig_integer(c, p.tiles);
    rig_integer(c, p.max_tiles * p.n_padded);
    rig_integer(c, p.d);
}

static void zero(call *c)
{
    const int64_t d = rig_size(300);
    c->items = rig_size(40);
    rig_floats(c, OUT, c->items * d);
    rig_integer(c, d);
}

static void stack(call *c)
{
    const int64_t width = rig_size(200), rows = rig_size(20),
                  all = width * (rows - 1) + rig_size(width);
    c->items = rows;
    rig_floats(c, OUT, rows * width);
    rig_floats(c, IN, all);
    rig_integer(c, all);
    rig_integer(c, width);
    rig_real(c, 0.5f);
}

static void glu(call *c)
{
    const int64_t d = rig_size(300);
    c->items = rig_size(20);
    rig_floats(c, OUT, c->items * d);
    rig_floats(c, IN, c->items * 2 * d);
    rig_integer(c, d);
}

static void rope_table(call *c)
{
    const int64_t head_dim = 2 * rig_size(80);
    c->items = rig_size(60);
    rig_floats(c, OUT, c->items * head_dim);
    rig_integer(c, head_dim);
    rig_real(c, 10000.0f);
}

static void rotate(call *c)
{
    const int64_t head_dim = 2 * rig_size(40), d = head_dim * (1 + rig_random() % 4);
    c->items = rig_size(30);
    rig_floats(c, BOTH, c->items * d);
    rig_floats(c, IN, c->items * head_dim);
    rig_integer(c, d);
    rig_integer(c, head_dim);
}

static void depthwise(call *c)
{
    const int64_t n = rig_size(40), d = rig_size(300), width = rig_size(31);
    c->items = n;
    rig_floats(c, OUT, n * d);
    rig_floats(c, IN, n * d);
    rig_floats(c, IN, d * width);
    rig_floats(c, IN, d);
    rig_floats(c, IN, d);
    rig_integer(c, n);
    rig_integer(c, d);
    rig_integer(c, width);
    rig_integer(c, width / 2);
    rig_real(c, 1e-5f);
}

static void relative(call *c)
{
    const int64_t heads = 1 + rig_random() % 3, head_dim = rig_size(70), n = rig_size(140);
    const int64_t left = rig_random() % 65, right = rig_random() % 9, rows = n < 20 ? n : 20;
    c->items = rows * heads;
    rig_floats(c, OUT, rows * heads * head_dim);
    rig_floats(c, IN, rows * heads * head_dim);
    rig_floats(c, IN, n * heads * head_dim);
    rig_floats(c, IN, n * heads * head_dim);
    rig_floats(c, IN, (left + 1 + right) * head_dim);
    rig_integer(c, n);
    rig_integer(c, heads);
    rig_integer(c, head_dim);
    rig_integer(c, left);
    rig_integer(c, right);
}

/* bound: 0 where every element takes the same roundings in both bodies. Else expf, powf, sinf and
 * cosf differ by two units in the last place (2^-23 each, an angle of at most 60 radians by 60 of
 * them), and sums are taken in another order. */
static const struct {
    int         plugin;
    const char *name;
    void (*make)(call *c);
    double bound;
} all[] = {
    {0, "vis_embed", embed, 0},
    {0, "vis_arrange", arrange, 0},
    {0, "vis_intervals", intervals, 0},
    {0, "vis_capture", capture, 0},
    {0, "vis_add_tile", add_tile, 0},
    {0, "vis_zero", zero, 0},
    {1, "spk_stack", stack, 0},
    {1, "spk_zero", zero, 0},
    {1, "spk_glu", glu, 1e-13},
    {1, "spk_rotate", rotate, 0},
    {1, "spk_rope_table", rope_table, 1e-10},
    {1, "spk_depthwise", depthwise, 1e-11},
    {1, "spk_relative", relative, 1e-11},
};

static void once(size_t i, bool empty)
{
    call                    c = {.n_args = 0};
    const plugin           *p = &rig_plugins[all[i].plugin];
    const weft_kernel_decl *k = rig_declared(p, all[i].name);
    all[i].make(&c);
    c.items = empty ? 0 : c.items;
    rig_run(k, p->image, &c);
    rig_compare(all[i].name, &c, all[i].bound);
}

static void test_both_bodies(void **s)
{
    (void)s;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            rig_seed(seed * 977 + i);
            once(i, false);
        }
        once(i, true);
    }
}

/* No kernel is left out. */
static void test_all_are_here(void **s)
{
    uint32_t n = 0;
    (void)s;
    for (size_t i = 0; i < RIG_PLUGINS; i++)
        n += rig_plugins[i].n;
    assert_int_equal(n, sizeof all / sizeof *all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_both_bodies),
                                       cmocka_unit_test(test_all_are_here)};
    const int               why = rig_open();
    if (why != 0)
        return why;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rig_close();
    return failed;
}
