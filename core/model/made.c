/* SPDX-License-Identifier: Apache-2.0 */
/* Made tensors: a block of values, and a table of what lies where in it. */
#include "core/model/made.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/io/json.h"
#include "core/io/text.h"

#define UNIFORM ((uint64_t)32 << 20)     /* values around 0: 64 MiB of bf16 */
#define AROUND_ONE ((uint64_t)256 << 10) /* values around 1, which end the block */
#define PERIOD                                                                                     \
    (2 * (UNIFORM + AROUND_ONE) - 2) /* an odd number of elements: rows meet no row again soon */
#define HALF_WIDTH 0.0346410162f     /* 0.02 sqrt(3): of deviation 0.02 */
#define LEVELS 4096

typedef struct tensor {
    struct tensor *next;
    wf_st_tensor   t;
    char           name[];
} tensor;

struct wf_made {
    wf_st_file file;
    json_t    *index; /* name to address of its tensor */
    tensor    *all;
    uint64_t   bytes;
};

/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators", 2016). */
static uint64_t draw(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dull;
}

static uint16_t to_bf16(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16); /* to nearest even; finite */
}

/* n values, evenly spread over middle - half to middle + half: four of a draw, out of a table. */
static void fill_part(uint16_t *to, uint64_t n, uint64_t *state, float middle, float half)
{
    uint16_t level[LEVELS];
    for (int i = 0; i < LEVELS; i++)
        level[i] = to_bf16(middle + half * ((float)(2 * i + 1) / LEVELS - 1.0f));
    for (uint64_t i = 0; i < n; i += 4) {
        uint64_t d = draw(state);
        for (uint64_t k = 0; k < 4 && i + k < n; k++, d >>= 16)
            to[i + k] = level[d % LEVELS];
    }
}

static void fill(uint16_t *to)
{
    uint64_t state = 0x9E3779B97F4A7C15u;
    fill_part(to, UNIFORM, &state, 0.0f, HALF_WIDTH);
    fill_part(to + UNIFORM, PERIOD / 2 - UNIFORM, &state, 1.0f, 0.5f);
}

static weft_status fail_errno(const char *what, weft_error *err)
{
    return wf_fail(err, WEFT_E_NOMEM, "memory for made weights: %s: %s", what, strerror(errno));
}

/* Byte b of a tensor is byte (begin + b) % PERIOD of the block. */
static weft_status read_round(const wf_st_file *f, const wf_st_tensor *t, uint64_t offset,
                              void *dst, uint64_t n, weft_error *err)
{
    uint8_t    *to = dst;
    uint64_t    from = t->begin + offset;
    weft_status status = WEFT_OK;
    while (status == WEFT_OK && n > 0) {
        uint64_t at = from % PERIOD, left = PERIOD - at, part = n < left ? n : left;
        status = wf_file_read(&f->file, at, to, part, err);
        from += part;
        to += part;
        n -= part;
    }
    return status;
}

static weft_status make_block(wf_st_file *f, weft_error *err)
{
    f->file.fd = memfd_create("weft-made-weights", MFD_CLOEXEC);
    if (f->file.fd < 0)
        return fail_errno("memfd_create", err);
    if (ftruncate(f->file.fd, (off_t)PERIOD) != 0)
        return fail_errno("ftruncate", err);
    void *p = mmap(NULL, (size_t)PERIOD, PROT_READ | PROT_WRITE, MAP_SHARED, f->file.fd, 0);
    if (p == MAP_FAILED)
        return fail_errno("mmap", err);
    fill(p);
    munmap(p, (size_t)PERIOD);
    f->file.bytes = PERIOD;
    f->read = read_round;
    return WEFT_OK;
}

weft_status wf_made_open(const char *name, wf_made **out, weft_error *err)
{
    wf_made *m = wf_zalloc(sizeof *m);
    *out = NULL;
    if (m == NULL)
        return wf_fail_nomem(err, sizeof *m, "made weights");
    m->file.file.fd = -1;
    wf_json_init();
    m->index = json_object();
    m->file.file.path = wf_strdup(name);
    weft_status status = m->index != NULL && m->file.file.path != NULL
                             ? make_block(&m->file, err)
                             : wf_fail_nomem(err, sizeof *m, "made weights");
    if (status != WEFT_OK)
        wf_made_close(&m);
    *out = m;
    return status;
}

void wf_made_close(wf_made **made)
{
    wf_made *m = *made;
    if (m == NULL)
        return;
    for (tensor *t = m->all, *next; t != NULL; t = next) {
        next = t->next;
        wf_free(t);
    }
    json_decref(m->index);
    wf_file_close(&m->file.file);
    wf_free(m);
    *made = NULL;
}

static const tensor *find(const wf_made *m, const char *name)
{
    const json_t *at = json_object_get(m->index, name);
    return at != NULL ? (const tensor *)(uintptr_t)json_integer_value(at) : NULL;
}

static bool is_norm_weight(const char *name)
{
    size_t n = strlen(name);
    return strstr(name, "norm") != NULL && n > 7 && strcmp(name + n - 7, ".weight") == 0;
}

/* Where a tensor begins, by its name (FNV-1a, fnvhash draft of Fowler, Noll and Eastlake). */
static uint64_t begin_of(const char *name, int32_t rank)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (const char *c = name; *c != '\0'; c++)
        h = (h ^ (uint8_t)*c) * 0x100000001b3u;
    return rank == 1 && is_norm_weight(name) ? 2 * (UNIFORM + h % (AROUND_ONE / 2))
                                             : 2 * (h % UNIFORM);
}

static weft_status bytes_of(const char *name, int32_t rank, const int64_t *shape, uint64_t *bytes,
                            weft_error *err)
{
    uint64_t n = 2;
    for (int32_t i = 0; i < rank; i++)
        if (shape[i] < 1 || !wf_mul(n, (uint64_t)shape[i], &n))
            return wf_fail(err, WEFT_E_LIMIT, "%s: a made tensor is too large", wf_quote(name).s);
    *bytes = n;
    return WEFT_OK;
}

weft_status wf_made_add(wf_made *m, const char *name, int32_t rank, const int64_t *shape,
                        weft_error *err)
{
    uint64_t    bytes = 0, all;
    weft_status status = bytes_of(name, rank, shape, &bytes, err);
    if (status != WEFT_OK || find(m, name) != NULL)
        return status;
    if (rank > WF_ST_MAX_RANK || !wf_add(m->bytes, bytes, &all))
        return wf_fail(err, WEFT_E_LIMIT, "%s: a made tensor is too large", wf_quote(name).s);
    size_t  n = strlen(name) + 1;
    tensor *t = wf_zalloc(sizeof *t + n);
    if (t == NULL)
        return wf_fail_nomem(err, sizeof *t + n, "a made tensor");
    memcpy(t->name, name, n);
    t->t = (wf_st_tensor){.name = t->name, .dtype = WF_ST_BF16, .rank = rank, .bytes = bytes};
    memcpy(t->t.shape, shape, (size_t)rank * sizeof *shape);
    t->t.begin = begin_of(name, rank);
    if (json_object_set_new(m->index, name, json_integer((json_int_t)(uintptr_t)t)) != 0) {
        wf_free(t);
        return wf_fail_nomem(err, n, "a made tensor");
    }
    t->next = m->all;
    m->all = t;
    m->bytes = all;
    return WEFT_OK;
}

weft_status wf_made_find(const wf_made *m, const char *name, const wf_st_file **file,
                         const wf_st_tensor **t, weft_error *err)
{
    const tensor *found = find(m, name);
    if (found == NULL)
        return wf_fail(err, WEFT_E_NOTFOUND, "%s: holds no tensor \"%s\"",
                       wf_quote(m->file.file.path).s, wf_quote(name).s);
    *file = &m->file;
    *t = &found->t;
    return WEFT_OK;
}

void wf_made_each(const wf_made *m, void (*fn)(void *ctx, const wf_st_tensor *t), void *ctx)
{
    for (const tensor *t = m->all; t != NULL; t = t->next)
        fn(ctx, &t->t);
}

uint64_t wf_made_bytes(const wf_made *m)
{
    return m->bytes;
}
