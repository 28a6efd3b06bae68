/* SPDX-License-Identifier: Apache-2.0 */
/* Loading weights: every slice is the same slice of the whole, on a device that computes at once
 * and on one that computes late; what does not fit is refused before anything is read; files that
 * shrink, a cancel and a lack of memory end both the reader and the packing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/cpu.h"
#include "core/base/mem.h"
#include "core/device/builtin.h"
#include "core/base/half.h"
#include "core/model/load.h"
#include "tests/unit/scratch.h"

#define ROWS 70
#define COLS 37
#define LARGE_ROWS 5000 /* of LARGE_COLS bf16: 20 MB, three pieces */
#define LARGE_COLS 2048
#define LARGE_STEP ((int64_t)2048) /* rows of its pieces: 8 MiB */
#define WIDE_COLS 4500001          /* bf16: a row of 9 MB is longer than a piece */
#define ENDLESS_COLS 16777217      /* bf16: a row of 32 MiB and two bytes */

static wf_pool      *pool;
static wf_device    *device;
static weft_package *package;
static wf_loader     loader;
static wf_buffers    buffers;

/* Of every tensor: an integer that all three types hold exactly. */
static float value(int64_t row, int64_t col)
{
    return (float)((row * 31 + col * 7) % 251 - 125);
}

static void store(uint8_t *at, int32_t dtype, float v)
{
    uint16_t half = dtype == WF_ST_F16 ? wf_to_f16(v) : wf_to_bf16(v);
    if (dtype == WF_ST_F32)
        memcpy(at, &v, sizeof v);
    else
        memcpy(at, &half, sizeof half);
}

static wf_st_out tensor(const char *name, int32_t dtype, int64_t rows, int64_t cols)
{
    size_t    each = dtype == WF_ST_F32 ? 4 : 2;
    uint8_t  *p = malloc((size_t)rows * (size_t)cols * each);
    wf_st_out out = {name, dtype, 2, {rows, cols}, p};
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < cols; c++)
            store(p + (size_t)(r * cols + c) * each, dtype, value(r, c));
    return out;
}

static int write_package(void **state)
{
    weft_error err = WF_ERROR_INIT;
    wf_st_out  all[] = {
         tensor("f32", WF_ST_F32, ROWS, COLS),
         tensor("bf16", WF_ST_BF16, ROWS, COLS),
         tensor("f16", WF_ST_F16, ROWS, COLS),
         tensor("vector", WF_ST_BF16, ROWS, 1),
         tensor("large", WF_ST_BF16, LARGE_ROWS, LARGE_COLS),
         tensor("wide", WF_ST_BF16, 2, WIDE_COLS),
         tensor("endless", WF_ST_BF16, 1, ENDLESS_COLS),
    };
    all[3].rank = 1;
    if (scratch_make(state) != 0)
        return 1;
    scratch_put("config.json", "{}", 2);
    weft_status status =
        wf_st_write(scratch_path("model.safetensors"), all, sizeof all / sizeof *all, &err);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free((void *)(uintptr_t)all[i].data);
    return status != WEFT_OK;
}

/* A loader of the package on the CPU, or on the device that runs nothing before it must. */
static void open_loader(bool late, int32_t dtype)
{
    weft_error err = WF_ERROR_INIT;
    assert_int_equal(wf_pool_create(2, &pool, &err), WEFT_OK);
    if (late)
        assert_int_equal(
            wf_device_test_create(
                &(wf_device_config){.pool = pool, .cpu_flags = wf_cpu_detect(), .seed = 7}, &device,
                &err),
            WEFT_OK);
    else
        assert_int_equal(wf_device_cpu_create(pool, wf_cpu_detect(), &device, &err), WEFT_OK);
    assert_int_equal(wf_package_open(scratch, &package, &err), WEFT_OK);
    assert_int_equal(wf_loader_open(device, package, dtype, &loader, &err), WEFT_OK);
    buffers = (wf_buffers){.device = device};
}

static void close_loader(void)
{
    wf_loader_close(&loader);
    wf_buffers_free(&buffers);
    wf_package_close(&package);
    wf_device_destroy(&device);
    wf_pool_destroy(&pool);
}

static void good(weft_status status, const weft_error *err)
{
    if (status != WEFT_OK)
        fail_msg("%s", err->message);
}

/* n f32 of the device. */
static void fetch(float *dst, const float *src, int64_t n)
{
    weft_error err = WF_ERROR_INIT;
    good(wf_queue_download(loader.queue, dst, src, (uint64_t)n * 4, &err), &err);
    good(wf_queue_wait(loader.queue, &err), &err);
}

/* The first and the last of each of the rows from..from+rows-1 of w, and everything between. */
static void assert_weight(const wf_weight *w, int64_t from, int64_t rows, int64_t row0,
                          int64_t col0)
{
    weft_error err = WF_ERROR_INIT;
    uint64_t   n = (uint64_t)rows * (uint64_t)w->k;
    void      *ids, *dst;
    int32_t   *want = malloc((size_t)rows * 4);
    float     *has = malloc((size_t)n * 4);
    for (int32_t i = 0; i < (int32_t)rows; i++)
        want[i] = (int32_t)from + i;
    good(wf_device_alloc(device, (uint64_t)rows * 4, &ids, &err), &err);
    good(wf_device_alloc(device, n * 4, &dst, &err), &err);
    good(wf_queue_upload(loader.queue, ids, want, (uint64_t)rows * 4, &err), &err);
    wf_op op = {.kind = WF_OP_EMBED,
                .u.embed = {.dst = dst, .w = *w, .ids = ids, .m = rows, .dst_stride = w->k}};
    good(wf_queue_submit(loader.queue, &op, &err), &err);
    fetch(has, dst, (int64_t)n);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < w->k; c++)
            if (has[r * w->k + c] != value(row0 + r, col0 + c))
                fail_msg("row %lld, column %lld is %g", (long long)r, (long long)c,
                         (double)has[r * w->k + c]);
    wf_device_free(device, ids);
    wf_device_free(device, dst);
    free(want);
    free(has);
}

static void assert_values(const float *has, int64_t rows, int64_t cols, int64_t row0, int64_t col0)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < cols; c++)
            if (has[r * cols + c] != value(row0 + r, col0 + c))
                fail_msg("row %lld, column %lld is %g", (long long)r, (long long)c,
                         (double)has[r * cols + c]);
}

/* One slice as a weight, as f32 on the device and on the host; n and k are its true size. */
static void check_slice(const wf_slice *s, int64_t n, int64_t k)
{
    weft_error err = WF_ERROR_INIT;
    wf_weight  w;
    float     *on_device, *host = malloc((size_t)(n * k) * 4);
    good(wf_load_linear_slices(&loader, &buffers, s, 1, n, k, &w, &err), &err);
    good(wf_load_f32_slice(&loader, &buffers, s, &on_device, &err), &err);
    good(wf_load_host_slice(&loader, s, host, (uint64_t)(n * k), &err), &err);
    good(wf_loader_finish(&loader, &err), &err);
    assert_weight(&w, 0, n, s->row0, s->col0);
    assert_values(host, n, k, s->row0, s->col0);
    fetch(host, on_device, n * k);
    assert_values(host, n, k, s->row0, s->col0);
    free(host);
}

static void slices_are_those_of_the_whole(void **state)
{
    static const char *const names[] = {"f32", "bf16", "f16"};
    static const int64_t     at[][4] = {
            /* row0, rows, col0, cols */
        {0, ROWS, 0, COLS}, {0, 1, 0, COLS},       {ROWS - 1, 1, COLS - 1, 1}, {33, 20, 5, 17},
        {0, 33, 0, 16},     {35, 35, COLS - 2, 2}, {1, ROWS - 1, 1, COLS - 1},
    };
    (void)state;
    for (int32_t late = 0; late < 2; late++)
        for (int32_t dtype = WF_DTYPE_AUTO; dtype <= WF_F16; dtype++) {
            open_loader(late != 0, dtype);
            for (size_t i = 0; i < 3 * sizeof at / sizeof *at; i++) {
                const int64_t *a = at[i / 3];
                wf_slice       s = {names[i % 3], a[0], a[1], a[2], a[3]};
                check_slice(&s, a[1], a[3]);
                if (a[0] + a[1] == ROWS)
                    s.rows = WF_ALL;
                if (a[2] + a[3] == COLS)
                    s.cols = WF_ALL;
                check_slice(&s, a[1], a[3]);
            }
            check_slice(&(wf_slice){"vector", 3, 40, 0, 1}, 40, 1);
            close_loader();
        }
}

/* Shares of several tensors, one below the other: what a rank holds of fused projections. */
static void shares_stand_one_below_the_other(void **state)
{
    const wf_slice parts[] = {{"f32", 10, 20, 4, 9}, {"bf16", 69, 1, 4, 9}, {"f16", 0, 12, 4, 9}};
    (void)state;
    for (int32_t late = 0; late < 2; late++) {
        weft_error err = WF_ERROR_INIT;
        wf_weight  w;
        open_loader(late != 0, WF_DTYPE_AUTO);
        good(wf_load_linear_slices(&loader, &buffers, parts, 3, 33, 9, &w, &err), &err);
        good(wf_loader_finish(&loader, &err), &err);
        assert_int_equal(w.format, WF_F32); /* the first's */
        assert_weight(&w, 0, 20, 10, 4);
        assert_weight(&w, 20, 1, 69, 4);
        assert_weight(&w, 21, 12, 0, 4);
        close_loader();
    }
}

/* Rows that many pieces hold, read by the thread while others are packed, and rows longer than a
 * piece. */
static void large_tensors_come_whole(void **state)
{
    const char *const large[] = {"large", "large"};
    const wf_slice    half = {"large", 0, WF_ALL, 1024, WF_ALL};
    (void)state;
    for (int32_t late = 0; late < 2; late++) {
        weft_error err = WF_ERROR_INIT;
        wf_weight  twice, right, wide;
        float     *vector;
        open_loader(late != 0, WF_DTYPE_AUTO);
        good(wf_load_linear(&loader, &buffers, large, 2, 2 * LARGE_ROWS, LARGE_COLS, &twice, &err),
             &err);
        good(wf_load_f32(&loader, &buffers, "vector", &vector, &err), &err);
        good(wf_load_linear_slices(&loader, &buffers, &half, 1, LARGE_ROWS, 1024, &right, &err),
             &err);
        good(wf_load_linear_slices(&loader, &buffers, &(wf_slice){"wide", 0, 2, 0, WIDE_COLS}, 1, 2,
                                   WIDE_COLS, &wide, &err),
             &err);
        good(wf_loader_finish(&loader, &err), &err);
        assert_weight(&twice, 0, LARGE_ROWS, 0, 0);
        assert_weight(&twice, LARGE_ROWS, LARGE_ROWS, 0, 0);
        assert_weight(&right, 0, LARGE_ROWS, 0, 1024);
        assert_weight(&wide, 0, 2, 0, 0);
        float host[ROWS];
        fetch(host, vector, ROWS);
        assert_values(host, ROWS, 1, 0, 0);
        close_loader();
    }
}

static void refuse(const char *name, int64_t row0, int64_t rows, int64_t col0, int64_t cols,
                   const char *what)
{
    weft_error err = WF_ERROR_INIT;
    wf_slice   s = {name, row0, rows, col0, cols};
    wf_weight  w;
    float     *p, host[4];
    assert_failure(wf_load_linear_slices(&loader, &buffers, &s, 1, rows, cols, &w, &err), &err,
                   WEFT_E_CORRUPT, name, what);
    assert_failure(wf_load_f32_slice(&loader, &buffers, &s, &p, &err), &err, WEFT_E_CORRUPT, name,
                   what);
    assert_failure(wf_load_host_slice(&loader, &s, host, 4, &err), &err, WEFT_E_CORRUPT, name,
                   what);
}

static void what_is_not_there_is_refused_unread(void **state)
{
    const wf_slice parts[] = {{"f32", 0, 20, 0, COLS}, {"bf16", 60, 11, 0, COLS}};
    weft_error     err = WF_ERROR_INIT;
    wf_weight      w;
    (void)state;
    open_loader(false, WF_DTYPE_AUTO);
    refuse("f32", ROWS, 1, 0, COLS, "has 70 rows; 1 from row 70 on");
    refuse("f32", 1, ROWS, 0, COLS, "70 from row 1 on");
    refuse("bf16", 0, 1, 1, COLS, "has 37 columns; 37 from column 1 on");
    refuse("bf16", 0, 1, COLS, 1, "1 from column 37 on");
    refuse("f16", -1, 2, 0, 1, "2 from row -1 on");
    refuse("f16", 0, 0, 0, 1, "0 from row 0 on");
    refuse("f16", 0, 1, 0, -2, "-2 from column 0 on");
    refuse("f16", 1, INT64_MAX, 0, 1, "from row 1 on");
    refuse("f16", INT64_MAX, WF_ALL, 0, 1, "-1 from row");
    refuse("vector", 0, 1, 0, 2, "has 1 columns");
    assert_failure(wf_load_linear_slices(&loader, &buffers, parts, 2, 31, COLS, &w, &err), &err,
                   WEFT_E_CORRUPT, "bf16", "11 from row 60 on");
    assert_failure(wf_load_linear_slices(&loader, &buffers, parts, 1, 21, COLS, &w, &err), &err,
                   WEFT_E_CORRUPT, "f32", "have 20 rows, not 21");
    assert_failure(wf_load_linear_slices(&loader, &buffers, parts, 1, 20, COLS - 1, &w, &err), &err,
                   WEFT_E_CORRUPT, "f32", "does not fit in 20 x 36");
    assert_failure(wf_load_linear_slices(&loader, &buffers, &(wf_slice){"none", 0, 1, 0, 1}, 1, 1,
                                         1, &w, &err),
                   &err, WEFT_E_NOTFOUND, "none", "holds no tensor");
    assert_true(wf_pieces_empty(loader.pieces));
    assert_int_equal(loader.bytes_done, 0);
    assert_int_equal(buffers.n, 0);
    assert_failure(wf_load_linear_slices(&loader, &buffers, &WF_WHOLE("endless"), 1, 1,
                                         ENDLESS_COLS, &w, &err),
                   &err, WEFT_E_LIMIT, "endless", "rows of 33554434 bytes");
    close_loader();
}

/* What was begun and not finished is dropped, with its reader in the middle of it. */
static void a_loader_may_close_at_any_time(void **state)
{
    (void)state;
    for (int32_t i = 0; i < 12; i++) {
        weft_error err = WF_ERROR_INIT;
        wf_weight  w;
        wf_slice   s = {"large", 0, 1 + i * 450, 0, LARGE_COLS};
        open_loader(i % 2 != 0, WF_F32);
        good(wf_load_linear_slices(&loader, &buffers, &s, 1, s.rows, LARGE_COLS, &w, &err), &err);
        close_loader();
    }
}

static void stop_after(void *ctx, uint64_t bytes_done)
{
    (void)bytes_done;
    --*(int32_t *)ctx;
}

static int32_t is_stopped(void *ctx)
{
    return *(int32_t *)ctx <= 0;
}

static void a_cancel_is_obeyed_within_a_piece(void **state)
{
    (void)state;
    for (int32_t pieces = 0; pieces <= 2; pieces++) {
        weft_error err = WF_ERROR_INIT;
        wf_weight  w;
        int32_t    left = pieces;
        float     *host = malloc((size_t)LARGE_ROWS * LARGE_COLS * 4);
        open_loader(pieces == 1, WF_DTYPE_AUTO);
        loader.progress = stop_after;
        loader.cancelled = is_stopped;
        loader.progress_ctx = loader.cancelled_ctx = &left;
        weft_status status = wf_load_linear_slices(&loader, &buffers, &WF_WHOLE("large"), 1,
                                                   LARGE_ROWS, LARGE_COLS, &w, &err);
        if (status == WEFT_OK)
            status = wf_loader_finish(&loader, &err);
        assert_failure(status, &err, WEFT_E_CANCELLED, "", "cancelled");
        assert_int_equal(loader.bytes_done, pieces * LARGE_STEP * LARGE_COLS * 2);
        assert_failure(
            wf_load_host(&loader, "large", host, (uint64_t)LARGE_ROWS * LARGE_COLS, &err), &err,
            WEFT_E_CANCELLED, "", "cancelled");
        close_loader();
        free(host);
    }
}

static void a_file_that_shrinks_is_told(void **state)
{
    struct stat was;
    const char *path = scratch_path("model.safetensors");
    (void)state;
    assert_int_equal(stat(path, &was), 0);
    for (int32_t late = 0; late < 2; late++) {
        weft_error err = WF_ERROR_INIT;
        wf_weight  w;
        wf_region  r;
        open_loader(late != 0, WF_DTYPE_AUTO);
        good(wf_region_find(package, &WF_WHOLE("large"), &r, &err), &err);
        off_t cut = (off_t)(r.t->begin + r.t->bytes / 2);
        assert_int_equal(truncate(path, cut), 0);
        weft_status status = wf_load_linear_slices(&loader, &buffers, &WF_WHOLE("large"), 1,
                                                   LARGE_ROWS, LARGE_COLS, &w, &err);
        if (status == WEFT_OK)
            status = wf_loader_finish(&loader, &err);
        assert_failure(status, &err, WEFT_E_IO, "model.safetensors", "it shrank while it was read");
        close_loader();
        assert_int_equal(truncate(path, was.st_size), 0);
    }
}

static weft_status load_some(weft_error *err)
{
    wf_weight   w;
    float      *p;
    weft_status status = wf_load_f32(&loader, &buffers, "vector", &p, err);
    if (status == WEFT_OK)
        status = wf_load_linear_slices(&loader, &buffers, &WF_WHOLE("large"), 1, LARGE_ROWS,
                                       LARGE_COLS, &w, err);
    if (status == WEFT_OK)
        status =
            wf_load_linear_slices(&loader, &buffers, &WF_WHOLE("wide"), 1, 2, WIDE_COLS, &w, err);
    return status == WEFT_OK ? wf_loader_finish(&loader, err) : status;
}

/* Every allocation fails once. */
static void memory_may_run_out(void **state)
{
    (void)state;
    for (int32_t late = 0; late < 2; late++) {
        weft_status status = WEFT_E_NOMEM;
        for (uint64_t n = 1; status != WEFT_OK; n++) {
            weft_error err = WF_ERROR_INIT;
            open_loader(late != 0, WF_DTYPE_AUTO);
            wf_mem_fail_at(n, false);
            status = load_some(&err);
            wf_mem_fail_at(0, false);
            if (status != WEFT_OK)
                assert_failure(status, &err, WEFT_E_NOMEM, "", "out of memory");
            close_loader();
            assert_true(n < 500);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_are_those_of_the_whole),
        cmocka_unit_test(shares_stand_one_below_the_other),
        cmocka_unit_test(large_tensors_come_whole),
        cmocka_unit_test(what_is_not_there_is_refused_unread),
        cmocka_unit_test(a_loader_may_close_at_any_time),
        cmocka_unit_test(a_cancel_is_obeyed_within_a_piece),
        cmocka_unit_test(memory_may_run_out),
        cmocka_unit_test(a_file_that_shrinks_is_told), /* last: the file has lost its contents */
    };
    return cmocka_run_group_tests(tests, write_package, scratch_remove);
}
