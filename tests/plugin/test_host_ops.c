/* SPDX-License-Identifier: Apache-2.0 */
/* weft.ops and weft.kernels: each op through the table gives what a loop written here gives, on the
 * CPU and on the asynchronous test device; each bad argument gives a sentence that names op and
 * argument. */
#include <math.h>

#include "core/model/model.h"
#include "tests/plugin/host_bench.h"

/* ---- ops ---- */

static void op_linear(void **state)
{
    weft_tensor x = make(2, 5, 4, 0, 0), y = make(2, 5, 6, 0, 0), b = make(1, 3, 0, 0, 0);
    weft_tensor w = get("linear.weight", WEFT_USE_LINEAR, 2, 3, 4, 0, 0);
    float       hx[20], hb[3] = {1, 2, 3}, hy[30], wants[30];
    weft_error  err = WF_ERROR_INIT;
    (void)state;
    ramp(hx, 20, 0.25f);
    memset(wants, 0, sizeof wants);
    fill(&x, hx);
    fill(&b, hb);
    fill(&y, wants);
    for (int r = 0; r < 5; r++)
        for (int o = 0; o < 3; o++) {
            float sum = 0;
            for (int k = 0; k < 4; k++)
                sum += hx[r * 4 + k] * w_linear[o * 4 + k];
            wants[r * 6 + o + 3] = fmaxf(sum + hb[o], 0);
        }
    weft_tensor half = y; /* the right half of wider rows */
    half.data = (char *)y.data + 3 * sizeof(float);
    half.bytes -= 3 * sizeof(float);
    half.shape[1] = 3;
    good(ops()->linear(host, queue, &half, &x, &w, &b, WEFT_ACT_RELU, &err), &err);
    fetch(&y, hy);
    assert_near(hy, wants, 30);
    drop(&x);
    drop(&y);
    drop(&b);
}

static void op_norm(void **state)
{
    /* Two heads of four within rows of ten: neither evenly spaced nor contiguous. */
    weft_tensor base = make(2, 3, 10, 0, 0), x = base,
                w = get("norm.weight", WEFT_USE_PLAIN, 1, 4, 0, 0, 0);
    float      h[30], wants[30], hy[30];
    weft_error err = WF_ERROR_INIT;
    (void)state;
    ramp(h, 30, 0.3f);
    memcpy(wants, h, sizeof h);
    for (int r = 0; r < 3; r++)
        for (int j = 0; j < 2; j++) {
            float *v = wants + r * 10 + j * 4, sum = 0;
            for (int i = 0; i < 4; i++)
                sum += v[i] * v[i];
            for (int i = 0; i < 4; i++)
                v[i] = v[i] / sqrtf(sum / 4 + 1e-5f) * w_norm[i];
        }
    x.ndim = 3;
    x.shape[1] = 2;
    x.shape[2] = 4;
    x.stride[0] = 10;
    x.stride[1] = 4;
    x.stride[2] = 1;
    fill(&base, h);
    good(ops()->norm(host, queue, &x, &x, &w, NULL, 1e-5f, 1, &err), &err);
    fetch(&base, hy);
    assert_near(hy, wants, 30);
    drop(&base);
}

static void op_attention(void **state)
{
    weft_tensor    q = make(3, 3, 2, 4, 0), k = make(3, 5, 1, 4, 0), v = make(3, 5, 1, 4, 0);
    weft_tensor    out = make(3, 3, 2, 4, 0), index = make(1, 4, 0, 0, 0), qb = index, kb;
    float          hq[24], hk[20], hv[20], ho[24], wants[24];
    const int32_t  begin[4] = {0, 3, 0, 5};
    weft_error     err = WF_ERROR_INIT;
    weft_attention a = {.hdr = WEFT_HDR(weft_attention), .scale = 0.5f, .n = 1};
    (void)state;
    ramp(hq, 24, 0.2f);
    ramp(hk, 20, 0.3f);
    ramp(hv, 20, 0.1f);
    fill(&q, hq);
    fill(&k, hk);
    fill(&v, hv);
    index.dtype = WEFT_I32;
    good(ops()->upload(host, queue, &index, begin, sizeof begin, &err), &err);
    qb = index;
    qb.shape[0] = 2;
    kb = qb;
    kb.data = (char *)index.data + 8;
    kb.bytes = 8;
    for (int r = 0; r < 3; r++)
        for (int h = 0; h < 2; h++) {
            float p[5], total = 0;
            for (int j = 0; j < 5; j++) {
                float s = 0;
                for (int i = 0; i < 4; i++)
                    s += hq[(r * 2 + h) * 4 + i] * hk[j * 4 + i];
                total += p[j] = expf(s * 0.5f);
            }
            for (int i = 0; i < 4; i++) {
                float o = 0;
                for (int j = 0; j < 5; j++)
                    o += p[j] / total * hv[j * 4 + i];
                wants[(r * 2 + h) * 4 + i] = o;
            }
        }
    a.q = &q;
    a.k = &k;
    a.v = &v;
    a.out = &out;
    a.q_begin = &qb;
    a.k_begin = &kb;
    good(ops()->attention(host, queue, &a, &err), &err);
    fetch(&out, ho);
    assert_near(ho, wants, 24);
    k.shape[2] = 3;
    refused(ops()->attention(host, queue, &a, &err), &err,
            "ops.attention: v: its shape differs from that of k");
    k.shape[2] = 4;
    a.causal = 7;
    refused(ops()->attention(host, queue, &a, &err), &err,
            "ops.attention: causal: it is 7; 0 or 1 is wanted");
    a.causal = 0;
    a.n = 7;
    refused(ops()->attention(host, queue, &a, &err), &err,
            "ops.attention: q_begin: its length is 2, and 8 is");
    a.n = 0;
    refused(ops()->attention(host, queue, &a, &err), &err, "ops.attention: n: 0 sequences for 3");
    a.n = 1;
    a.out = &q;
    refused(ops()->attention(host, queue, &a, &err), &err, "ops.attention: out: may not be q");
    a.out = &out;
    a.hdr.size = 16;
    refused(ops()->attention(host, queue, &a, &err), &err, "weft_attention.hdr.size is not set");
    drop(&q);
    drop(&k);
    drop(&v);
    drop(&out);
    drop(&index);
}

/* The same plane with its columns side by side in memory gives the same. */
static void conv_turned(weft_tensor x, const float *plane, const weft_tensor *y,
                        const weft_tensor *w, const float *wants)
{
    const int32_t stride[2] = {2, 2}, pad[4] = {0, 1, 0, 0};
    float         turned[12], got[8];
    weft_error    err = WF_ERROR_INIT;
    for (int i = 0; i < 12; i++)
        turned[i % 4 * 3 + i / 4] = plane[i];
    fill(&x, turned);
    x.stride[2] = 1;
    x.stride[3] = 3;
    good(ops()->conv(host, queue, y, &x, w, NULL, stride, pad, &err), &err);
    fetch(y, got);
    assert_near(got, wants, 8);
}

static void op_conv(void **state)
{
    weft_tensor x = make(4, 1, 1, 3, 4), y = make(3, 1, 4, 2, 0);
    weft_tensor w = get("conv.weight", WEFT_USE_LINEAR, 4, 2, 1, 2, 2);
    float       hx[12], hy[8], wants[8];
    int32_t     stride[2] = {2, 2}, pad[4] = {0, 1, 0, 0};
    weft_error  err = WF_ERROR_INIT;
    (void)state;
    ramp(hx, 12, 0.5f);
    fill(&x, hx);
    for (int p = 0; p < 4; p++)
        for (int o = 0; o < 2; o++) {
            float sum = 0;
            for (int dy = 0; dy < 2; dy++)
                for (int dx = 0; dx < 2; dx++) {
                    int yy = p / 2 * 2 + dy, xx = p % 2 * 2 + dx;
                    if (yy < 3)
                        sum += hx[yy * 4 + xx] * w_conv[o * 4 + dy * 2 + dx];
                }
            wants[p * 2 + o] = sum;
        }
    good(ops()->conv(host, queue, &y, &x, &w, NULL, stride, pad, &err), &err);
    fetch(&y, hy);
    assert_near(hy, wants, 8);
    conv_turned(x, hx, &y, &w, wants);
    stride[1] = 0;
    refused(ops()->conv(host, queue, &y, &x, &w, NULL, stride, pad, &err), &err,
            "ops.conv: x: a kernel of 2 x 2 has no place");
    stride[1] = 1;
    pad[0] = INT32_MAX;
    refused(ops()->conv(host, queue, &y, &x, &w, NULL, stride, pad, &err), &err,
            "its number of positions is 4, and");
    pad[0] = 0;
    refused(ops()->conv(host, queue, &y, &x, &w, NULL, stride, pad, &err), &err,
            "its number of positions is 4, and 6");
    drop(&x);
    drop(&y);
}

/* A table of one row per place, repeated over the leading axis by a stride of 0. */
static void op_add(void **state)
{
    weft_tensor x = make(3, 2, 3, 4, 0), t = make(2, 3, 4, 0, 0), b = x;
    float       hx[24], ht[12], hy[24], wants[24];
    weft_error  err = WF_ERROR_INIT;
    (void)state;
    ramp(hx, 24, 0.5f);
    ramp(ht, 12, 0.2f);
    for (int i = 0; i < 24; i++)
        wants[i] = hx[i] + 3.0f * ht[i % 12];
    fill(&x, hx);
    fill(&t, ht);
    b.data = t.data;
    b.bytes = t.bytes;
    b.stride[0] = 0;
    good(ops()->add(host, queue, &x, &x, &b, 3.0f, &err), &err);
    fetch(&x, hy);
    assert_near(hy, wants, 24);
    drop(&x);
    drop(&t);
}

static void op_swiglu(void **state)
{
    weft_tensor gate = make(2, 3, 4, 0, 0), up = make(2, 3, 4, 0, 0), y = make(2, 3, 4, 0, 0);
    float       hg[12], hu[12], hy[12], wants[12];
    weft_error  err = WF_ERROR_INIT;
    (void)state;
    ramp(hg, 12, 0.5f);
    ramp(hu, 12, 0.2f);
    for (int i = 0; i < 12; i++)
        wants[i] = hg[i] / (1 + expf(-hg[i])) * hu[i];
    fill(&gate, hg);
    fill(&up, hu);
    good(ops()->swiglu(host, queue, &y, &gate, &up, &err), &err);
    fetch(&y, hy);
    assert_near(hy, wants, 12);
    drop(&gate);
    drop(&up);
    drop(&y);
}

/* A transpose by strides. */
static void op_copy(void **state)
{
    weft_tensor src = make(2, 3, 4, 0, 0), dst = make(2, 4, 3, 0, 0), turned = src;
    float       h[12], hy[12];
    weft_error  err = WF_ERROR_INIT;
    (void)state;
    ramp(h, 12, 0.5f);
    fill(&src, h);
    turned.shape[0] = 4;
    turned.shape[1] = 3;
    turned.stride[0] = 1;
    turned.stride[1] = 4;
    good(ops()->copy(host, queue, &dst, &turned, &err), &err);
    fetch(&dst, hy);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 3; j++)
            assert_float_equal(hy[i * 3 + j], h[j * 4 + i], 0);
    turned.stride[0] = 2;
    refused(ops()->copy(host, queue, &dst, &turned, &err), &err,
            "ops.copy: src: its shape and strides reach past");
    weft_tensor once = dst;
    once.stride[0] = 0;
    refused(ops()->copy(host, queue, &once, &dst, &err), &err, "ops.copy: dst: a stride of 0");
    drop(&src);
    drop(&dst);
}

/* Every check of a tensor, by one op. */
static void tensor_mistakes(void **state)
{
    weft_tensor x = make(2, 2, 4, 0, 0), y = make(2, 2, 4, 0, 0), t;
    weft_error  err = WF_ERROR_INIT;
    (void)state;
#define ADD(a, b, c) ops()->add(host, queue, a, b, c, 1.0f, &err)
    refused(ADD(NULL, &x, &x), &err, "ops.add: y: NULL");
    refused(ops()->add(host, NULL, &y, &x, &x, 1.0f, &err), &err, "ops.add: queue: NULL");
    t = x;
    t.ndim = 9;
    refused(ADD(&y, &t, &x), &err, "ops.add: a: has 9 axes");
    t.ndim = 0;
    refused(ADD(&y, &t, &x), &err, "ops.add: a: has 0 axes");
    t = x;
    t.dtype = WEFT_I32;
    refused(ADD(&y, &x, &t), &err, "ops.add: b: has dtype code 0 of 32 bits; wanted 2 of 32");
    t = x;
    t.device_id++;
    refused(ADD(&y, &t, &x), &err, "ops.add: a: lies on device");
    t = x;
    t.bytes--;
    refused(ADD(&y, &t, &x), &err, "ops.add: a: its shape and strides reach past its 31 bytes");
    t = x;
    t.shape[0] = -1;
    refused(ADD(&y, &t, &x), &err, "ops.add: a: its shape and strides");
    t = x;
    t.shape[0] = INT64_MAX;
    refused(ADD(&y, &t, &x), &err, "ops.add: a: its shape and strides");
    t.shape[0] = 0; /* empty, and still no product may overflow */
    t.shape[1] = t.shape[2] = INT64_MAX;
    t.ndim = 3;
    refused(ops()->upload(host, queue, &t, NULL, 0, &err), &err, "ops.upload: dst: its shape and");
    t = x;
    t.stride[0] = INT64_MAX;
    refused(ADD(&y, &t, &x), &err, "ops.add: a: its shape and strides");
    t = x;
    t.stride[0] = -4;
    refused(ADD(&y, &t, &x), &err, "ops.add: a: its shape and strides");
    t = x;
    t.data = NULL;
    refused(ADD(&y, &t, &x), &err, "ops.add: a: its shape and strides");
    t = x;
    t.data = (char *)x.data + 2;
    t.shape[0] = 1;
    t.bytes = 16;
    y.shape[0] = 1;
    refused(ADD(&y, &t, &t), &err, "ops.add: a: its data is not aligned");
    y.shape[0] = 2;
    t = x;
    t.flags = WEFT_TENSOR_PACKED;
    refused(ADD(&y, &t, &x), &err, "ops.add: a: a packed weight");
    t = x;
    t.shape[1] = 3;
    refused(ADD(&y, &x, &t), &err, "ops.add: b: its shape differs from that of what is written");
    /* A weight is a weight and a plain tensor is none. */
    refused(ops()->linear(host, queue, &y, &x, &x, NULL, 0, &err), &err,
            "ops.linear: w: not a weight");
    weft_tensor w = get("linear.weight", WEFT_USE_LINEAR, 2, 3, 4, 0, 0);
    refused(ops()->linear(host, queue, &y, &x, &w, NULL, 0, &err), &err,
            "ops.linear: y: its last axis is 4, and 3");
    y.shape[1] = 3;
    refused(ops()->linear(host, queue, &y, &x, &w, NULL, 99, &err), &err,
            "ops.linear: act: 99 is no activation");
    w.dtype.lanes = 999;
    refused(ops()->linear(host, queue, &y, &x, &w, NULL, 0, &err), &err,
            "ops.linear: w: not a weight");
    w = get("linear.weight", WEFT_USE_LINEAR, 2, 3, 4, 0, 0);
    w.bytes = 4;
    refused(ops()->linear(host, queue, &y, &x, &w, NULL, 0, &err), &err,
            "ops.linear: w: a weight of 3 x 4 does not fit");
    w = get("norm.weight", WEFT_USE_PLAIN, 1, 4, 0, 0, 0);
    refused(ops()->norm(host, queue, &x, &x, &w, NULL, 1e-5f, 2, &err), &err,
            "ops.norm: rms: it is 2; 0 or 1 is wanted");
    refused(ops()->upload(host, queue, &x, NULL, 32, &err), &err, "ops.upload: src: NULL");
    refused(ops()->upload(host, queue, &x, &x, 31, &err), &err,
            "ops.upload: bytes: their number is 31, and 32");
    /* Nothing to do is done. */
    x.shape[0] = y.shape[0] = 0;
    y.shape[1] = 4;
    good(ADD(&y, &x, &x), &err);
    drop(&x);
    drop(&y);
}

/* ---- kernels ---- */

/* args: float *data, float factor. */
static void scale_body(const weft_range *r, void *const *args)
{
    float *data = *(float *const *)args[0], factor = *(const float *)args[1];
    for (int64_t i = r->begin; i < r->end; i++)
        data[i] *= factor;
}

static void kernels(void **state)
{
    static const uint32_t  bytes[] = {sizeof(float *), sizeof(float)}, huge[] = {200, 200};
    const weft_if_kernels *k = host->get_interface(host, WEFT_IF_KERNELS);
    const weft_kernel_decl decl = {
        WEFT_HDR(weft_kernel_decl), "scale", scale_body, NULL, bytes, 2, 0};
    weft_tensor x = make(1, 100, 0, 0, 0);
    float       h[100], factor = 3.0f;
    weft_launch l = {.hdr = WEFT_HDR(weft_launch), .n = 100, .grain = 7};
    void       *args[] = {&x.data, &factor};
    weft_error  err = WF_ERROR_INIT;
    (void)state;
    good(k->add(host, &decl, 1, NULL, &err), &err);
    assert_int_equal(k->add(host, &decl, 1, NULL, &err), WEFT_E_CONFLICT);
    assert_null(k->find(host, "absent"));
    assert_null(k->find(host, NULL));
    for (int i = 0; i < 100; i++)
        h[i] = (float)i;
    fill(&x, h);
    good(k->launch(host, queue, k->find(host, "scale"), &l, args, &err), &err);
    factor = 99.0f; /* its value was copied */
    fetch(&x, h);
    for (int i = 0; i < 100; i++)
        assert_float_equal(h[i], 3.0f * (float)i, 0);
    l.grain = 0;
    refused(k->launch(host, queue, k->find(host, "scale"), &l, args, &err), &err,
            "kernels.launch: scale: n is 100 and grain 0");
    args[1] = NULL;
    l.grain = 1;
    refused(k->launch(host, queue, k->find(host, "scale"), &l, args, &err), &err,
            "argument 1 is NULL");
    weft_kernel_decl big = decl;
    big.name = "big";
    big.arg_bytes = huge;
    assert_int_equal(k->add(host, &big, 1, NULL, &err), WEFT_E_LIMIT);
    big.hdr.size = 0;
    refused(k->add(host, &big, 1, NULL, &err), &err, "hdr.size is not set");
    drop(&x);
}

/* ---- the text core ---- */

/* Rows of a core whose table of three tokens is linear.weight. */
static void op_embed(void **state)
{
    weft_tensor   t = get("linear.weight", WEFT_USE_LINEAR, 2, 3, 4, 0, 0), y = make(2, 4, 4, 0, 0);
    weft_tensor   ids = make(1, 4, 0, 0, 0), narrow = make(2, 4, 3, 0, 0);
    wf_model      core = {.embed = {.data = t.data, .n = 3, .k = 4, .format = WF_F32}};
    wf_model     *at = NULL;
    wf_binding    binding = {.device = device, .linear_dtype = WF_F32, .core = &at};
    const int32_t asked[4] = {2, -1, 0, 3};
    float         hy[16], wants[16];
    weft_error    err = WF_ERROR_INIT;
    (void)state;
    ids.dtype = WEFT_I32;
    ramp(wants, 16, 0.5f);
    fill(&y, wants);
    memcpy(wants, w_linear + 8, sizeof(float[4]));
    memcpy(wants + 8, w_linear, sizeof(float[4]));
    good(ops()->upload(host, queue, &ids, asked, sizeof asked, &err), &err);
    assert_int_equal(ops()->embed(host, queue, &y, &ids, &err), WEFT_E_STATE);
    good(wf_host_bind(wf_plugin_host(plugin), &binding, &err), &err);
    assert_int_equal(ops()->embed(host, queue, &y, &ids, &err), WEFT_E_STATE);
    assert_non_null(strstr(err.message, "no text core"));
    at = &core;
    good(ops()->embed(host, queue, &y, &ids, &err), &err);
    fetch(&y, hy);
    assert_memory_equal(hy, wants, sizeof wants);
    refused(ops()->embed(host, queue, &narrow, &ids, &err), &err, "y");
    refused(ops()->embed(host, queue, &y, &y, &err), &err, "ids");
    refused(ops()->embed(host, queue, NULL, &ids, &err), &err, "y");
    wf_host_unbind(wf_plugin_host(plugin));
    drop(&y);
    drop(&ids);
    drop(&narrow);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define A(f)                                                                                       \
    {                                                                                              \
#f " on the asynchronous device", f, setup_async, teardown, NULL                           \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(op_linear), T(op_norm),         T(op_attention),    T(op_conv),  T(op_add),
        T(op_swiglu), T(op_copy),         T(tensor_mistakes), T(kernels),  A(op_linear),
        A(op_norm),   A(op_attention),    A(op_conv),         A(op_add),   A(op_swiglu),
        A(op_copy),   A(tensor_mistakes), A(kernels),         T(op_embed), A(op_embed)};
    unsetenv("WEFT_PLUGIN_PATH");
    setenv("XDG_DATA_HOME", "/nonexistent", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
