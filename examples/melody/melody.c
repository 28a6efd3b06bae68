/* SPDX-License-Identifier: Apache-2.0 */
/* Soft tokens with a kernel of one's own: a melody becomes words of the text model that no text
 * has.
 *
 * A melody is a text file: "melody", then notes, each a MIDI number (0 to 127) and a length in
 * sixteenths (1 to 64), one note a line. Each note takes the place of one token:
 *
 *   row[i][c] = table[number of note i][c] * (1 - exp(-length of note i / 4))
 *
 * which gather and mul of weft.ops could do too; here a kernel of the plugin's own does it in one
 * go, to show how one is declared, launched and given its GPU image (notes.cu). */
#include <weft/sdk.h>

#include <math.h>

#define ID "org.example.melody"
#define KIND "org.example.notes"
#define STREAM "org.example.melody/notes"
#define NOTES 128
#define MAX_NOTES 1024
#define FILE_BYTES 65536 /* more than MAX_NOTES lines have */

/* ---- the decoder: rows of {number, length} ---- */

typedef struct tune {
    const weft_host *host;
    int64_t          n, next;
    float            rows[MAX_NOTES][2];
} tune;

static int32_t probe(const weft_probe *in)
{
    return in->head_bytes > 7 && memcmp(in->head, "melody\n", 7) == 0 ? WEFT_PROBE_MAGIC
                                                                      : WEFT_PROBE_NO;
}

/* Digits up to something else; -1: none, or more than three. */
static int number(const char **p)
{
    int v = 0, digits = 0;
    for (; **p >= '0' && **p <= '9' && digits < 4; ++*p, ++digits)
        v = v * 10 + (**p - '0');
    return digits >= 1 && digits <= 3 ? v : -1;
}

static weft_status parse(tune *t, const char *p, weft_error *err)
{
    for (; *p != '\0'; t->n++) {
        int note = number(&p), length = *p == ' ' ? (p++, number(&p)) : -1;
        if (t->n == MAX_NOTES)
            return weft_fail(err, WEFT_E_LIMIT, "more than %d notes", MAX_NOTES);
        if (note < 0 || note >= NOTES || length < 1 || length > 64 || *p++ != '\n')
            return weft_fail(err, WEFT_E_CORRUPT,
                             "note %lld is not a number of 0 to 127 and a length of 1 to 64",
                             (long long)t->n + 1);
        t->rows[t->n][0] = (float)note;
        t->rows[t->n][1] = (float)length;
    }
    return t->n > 0 ? WEFT_OK : weft_fail(err, WEFT_E_CORRUPT, "there are no notes in it");
}

static weft_status read_text(tune *t, const weft_source *src, char *text, weft_error *err)
{
    int64_t n = src->read_at(src->ctx, 0, text, FILE_BYTES);
    if (n < 0)
        return weft_fail(err, (weft_status)n, "the melody could not be read");
    if (n == FILE_BYTES)
        return weft_fail(err, WEFT_E_LIMIT, "a melody of %d bytes or more", FILE_BYTES);
    text[n] = '\0';
    if ((int64_t)strlen(text) != n || strncmp(text, "melody\n", 7) != 0)
        return weft_fail(err, WEFT_E_CORRUPT, "it is not the text of a melody");
    return parse(t, text + 7, err);
}

static weft_status tune_open(const weft_host *h, const weft_source *src, const char *kind,
                             const weft_limits *lim, void **dec, weft_error *err)
{
    tune *t = (tune *)h->alloc(h, sizeof *t, 16);
    char *text = (char *)h->alloc(h, FILE_BYTES, 16);
    (void)kind, (void)lim;
    weft_status status = t != NULL && text != NULL
                             ? WEFT_OK
                             : weft_fail(err, WEFT_E_NOMEM, "out of memory for a melody");
    if (status == WEFT_OK) {
        memset(t, 0, sizeof *t);
        t->host = h;
        status = read_text(t, src, text, err);
    }
    h->free(h, text);
    if (status == WEFT_OK)
        *dec = t;
    else
        h->free(h, t);
    return status;
}

static weft_status info(void *dec, weft_media_info *out, weft_error *err)
{
    (void)err;
    out->n_rows = ((const tune *)dec)->n;
    out->row_width = 2;
    return WEFT_OK;
}

static weft_status read_rows(void *dec, int64_t n, const weft_tensor *dst, int64_t *got,
                             weft_error *err)
{
    tune *t = (tune *)dec;
    (void)err;
    *got = n < t->n - t->next ? n : t->n - t->next;
    memcpy(dst->data, t->rows[t->next], (size_t)*got * sizeof t->rows[0]);
    t->next += *got;
    return WEFT_OK;
}

static void tune_close(void *dec)
{
    tune *t = (tune *)dec;
    t->host->free(t->host, t);
}

/* ---- the kernel ---- */

/* args: y [n, d], notes [n, 2], table [NOTES, d], d. A row for each item; pointers are those of the
 * device, which for this body is the host. */
static void notes_cpu(const weft_range *r, void *const *args)
{
    float       *y = *(float *const *)args[0];
    const float *notes = *(const float *const *)args[1], *table = *(const float *const *)args[2];
    int32_t      d = *(const int32_t *)args[3];
    for (int64_t i = r->begin; i < r->end; i++) {
        int32_t note = (int32_t)notes[2 * i];
        float   strength = 1.0f - expf(-notes[2 * i + 1] / 4.0f);
        note = note < 0 ? 0 : note >= NOTES ? NOTES - 1 : note; /* never outside the table */
        for (int32_t c = 0; c < d; c++)
            y[i * d + c] = table[(int64_t)note * d + c] * strength;
    }
}

static const uint32_t         arg_bytes[] = {sizeof(void *), sizeof(void *), sizeof(void *),
                                             sizeof(int32_t)};
static const weft_kernel_decl notes_kernel = {
    .hdr = WEFT_HDR(weft_kernel_decl),
    .name = "notes",
    .cpu = notes_cpu,
#ifdef MELODY_GPU
    .gpu_symbol = "notes_gpu",
#endif
    .arg_bytes = arg_bytes,
    .n_args = 4,
};

#ifdef MELODY_GPU
/* The image that nvcc makes of notes.cu, as an array of bytes (see the Makefile). */
#include "notes_fatbin.h"
static const weft_fatbin  image = {WEFT_HDR(weft_fatbin), notes_fatbin, sizeof notes_fatbin};
static const weft_fatbin *gpu = &image;
#else
static const weft_fatbin *gpu = NULL; /* the host then says that this device has no such kernel */
#endif

/* ---- the modality ---- */

typedef struct melody {
    const weft_host       *host;
    const weft_if_weights *weights;
    const weft_if_kernels *kernels;
    const weft_kernel     *notes;
    const weft_package    *package;
    weft_tensor            table; /* [NOTES, d] */
    int32_t                d, reserved;
} melody;

static void destroy(void *self)
{
    melody *m = (melody *)self;
    m->host->free(m->host, m);
}

static weft_status create(const weft_host *h, const weft_model_info *mi, void **self,
                          weft_error *err)
{
    if (mi->package == NULL)
        return weft_fail(err, WEFT_E_UNSUPPORTED, "no weights: give --set " ID ".weights=DIR");
    if (mi->d_model < 1)
        return weft_fail(err, WEFT_E_UNSUPPORTED, "soft tokens need a text model");
    melody *m = (melody *)h->alloc(h, sizeof *m, 16);
    if (m == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory");
    memset(m, 0, sizeof *m);
    m->host = h;
    m->package = mi->package;
    m->d = mi->d_model;
    m->weights = (const weft_if_weights *)h->get_interface(h, WEFT_IF_WEIGHTS);
    m->kernels = (const weft_if_kernels *)h->get_interface(h, WEFT_IF_KERNELS);
    *self = m;
    return WEFT_OK;
}

static weft_weight table_of(const melody *m)
{
    const weft_weight w = {WEFT_HDR(weft_weight), "notes.weight", WEFT_USE_PLAIN, 2, {NOTES, m->d}};
    return w;
}

static weft_status load(void *self, weft_error *err)
{
    melody           *m = (melody *)self;
    const weft_weight want = table_of(m);
    weft_status       status = m->kernels->add(m->host, &notes_kernel, 1, gpu, err);
    m->notes = status == WEFT_OK ? m->kernels->find(m->host, "notes") : NULL;
    return status == WEFT_OK ? m->weights->get(m->host, m->package, &want, 1, &m->table, err)
                             : status;
}

static weft_status weights(void *self, const weft_weight_sink *sink, weft_error *err)
{
    const melody     *m = (const melody *)self;
    const weft_weight want = table_of(m);
    return sink->add(sink->ctx, m->package, &want, 1, err);
}

static weft_status install(void *self, const weft_hook_sink *sink, weft_error *err)
{
    const weft_hook_site site = {
        .hdr = WEFT_HDR(weft_hook_site),
        .kind = WEFT_HOOK_SOFT_TOKENS,
        .layer = -1, /* the token embedding */
        .stream = STREAM,
        .name = "notes",
    };
    const weft_marker marker = {
        .hdr = WEFT_HDR(weft_marker),
        .token = "<|melody|>",
        .stream = STREAM,
        .token_id = -1,
        .visibility = WEFT_VIS_UNTIL_END,
    };
    (void)self;
    weft_status status = sink->add_site(sink->ctx, &site, err);
    return status == WEFT_OK ? sink->add_marker(sink->ctx, &marker, err) : status;
}

static weft_status prompt(void *self, const char *task, const char **system, const char **user,
                          weft_error *err)
{
    (void)self, (void)system, (void)err;
    if (strcmp(task, "describe") == 0)
        *user = "What does this sound like?";
    return WEFT_OK;
}

/* One token, and one row, for each note. */
static weft_status plan(void *self, const weft_media_info *mi, const weft_request *rq,
                        const weft_limits *lim, weft_plan *out, weft_error *err)
{
    const melody          *m = (const melody *)self;
    const int64_t          n = mi->n_rows;
    const weft_tensor_spec in = {WEFT_F32, 2, {n, 2}}, rows = {WEFT_F32, 2, {n, m->d}};
    (void)rq;
    if (n < 1 || n > MAX_NOTES || mi->row_width != 2)
        return weft_fail(err, WEFT_E_INVALID, "%lld notes of %d numbers", (long long)n,
                         mi->row_width);
    if ((uint64_t)n > lim->max_tokens)
        return weft_fail(err, WEFT_E_LIMIT, "%lld notes are over --max-tokens", (long long)n);
    (void)weft_plan_input(out, "notes", in);
    (void)weft_plan_output(out, "notes.output", STREAM, n, rows);
    out->n_placeholders = n;
    return WEFT_OK;
}

static weft_status preprocess(void *self, const weft_media *media, const weft_plan *p,
                              const weft_tensor *inputs, weft_error *err)
{
    int64_t     n = weft_plan_input_at(p, 0)->spec.shape[0], got = 0;
    weft_status status = media->read_rows(media->ctx, n, &inputs[0], &got, err);
    (void)self;
    if (status == WEFT_OK && got != n)
        return weft_fail(err, WEFT_E_CORRUPT, "it ends after %lld of %lld notes", (long long)got,
                         (long long)n);
    return status;
}

/* Only enqueues: the values of the arguments are copied, what they point to is read later. */
static weft_status encode(void *self, const weft_encode_item *items, uint32_t n, weft_queue *q,
                          const weft_tensor *scratch, weft_error *err)
{
    const melody *m = (const melody *)self;
    weft_status   status = WEFT_OK;
    (void)scratch;
    for (uint32_t i = 0; i < n && status == WEFT_OK; i++) {
        const weft_encode_item *item = (const weft_encode_item *)WEFT_AT(items, i);
        void       *y = item->output[0].data, *notes = item->input[0].data, *table = m->table.data;
        int32_t     d = m->d;
        void       *args[] = {&y, &notes, &table, &d};
        int64_t     rows = item->input[0].shape[0];
        weft_launch l = {.hdr = WEFT_HDR(weft_launch),
                         .grid = {(uint32_t)rows, 1, 1},
                         .block = {128, 1, 1},
                         .n = rows,
                         .grain = 16};
        status = m->kernels->launch(m->host, q, m->notes, &l, args, err);
    }
    return status;
}

static uint64_t parameters(void *self)
{
    return (uint64_t)NOTES * (uint64_t)((const melody *)self)->d;
}

/* ---- the plugin ---- */

static const char *const   kinds[] = {KIND, NULL};
static const weft_decoder  decoder = {.hdr = WEFT_HDR(weft_decoder),
                                      .kinds = kinds,
                                      .probe = probe,
                                      .open = tune_open,
                                      .info = info,
                                      .close = tune_close,
                                      .read_rows = read_rows};
static const weft_modality modality = {.hdr = WEFT_HDR(weft_modality),
                                       .kinds = kinds,
                                       .create = create,
                                       .load = load,
                                       .destroy = destroy,
                                       .install = install,
                                       .prompt = prompt,
                                       .plan = plan,
                                       .preprocess = preprocess,
                                       .encode = encode,
                                       .parameters = parameters,
                                       .weights = weights};

static const weft_component components[] = {
    {WEFT_HDR(weft_component), WEFT_C_DECODER, "melody", &decoder},
    {WEFT_HDR(weft_component), WEFT_C_MODALITY, "melody", &modality},
};
static const char *const     needs_host[] = {WEFT_IF_WEIGHTS, WEFT_IF_KERNELS, NULL};
static const weft_descriptor descriptor = {
    .hdr = WEFT_HDR(weft_descriptor),
    .id = ID,
    .name = "Melodies",
    .version = "0.1.0",
    .vendor = "Example",
    .license_spdx = "Apache-2.0",
    .url = "",
    .needs_host = needs_host,
    .components = components,
    .n_components = 2,
};
WEFT_PLUGIN(ID, "0.1.0",
            "components=decoder:melody,modality:melody\nkinds=" KIND "\nmagic=0:6d656c6f64790a\n",
            &descriptor, NULL, NULL)
