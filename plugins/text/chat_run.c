/* SPDX-License-Identifier: Apache-2.0 */
/* Messages to ids by the chat template. The template's own words may be special tokens, and what
 * comes from the conversation never is one, whatever the template does with it. */
#include "text.h"

/* One call. */
typedef struct run {
    const txt_tokenizer *t;
    tpl_run_request      rq;
    txt_buf              media; /* int32_t: the ids of the media's parts, in their order */
    txt_buf              kinds; /* int32_t: each of them once */
    txt_buf              ids;   /* int32_t: the result */
} run;

static const int32_t *ids_of(const txt_buf *b)
{
    return (const int32_t *)(const void *)b->p;
}

static uint64_t count_of(const txt_buf *b)
{
    return b->n / sizeof(int32_t);
}

static bool is_in(const txt_buf *b, int32_t id)
{
    for (uint64_t i = 0; i < count_of(b); i++)
        if (ids_of(b)[i] == id)
            return true;
    return false;
}

static weft_status find_media(run *r, weft_error *err)
{
    weft_status s = WEFT_OK;
    for (uint32_t i = 0; i < r->rq.n_messages; i++) {
        const weft_message *m = WEFT_AT(r->rq.m, i);
        for (uint32_t k = 0; s == WEFT_OK && k < m->n_parts; k++) {
            const weft_part *p = WEFT_AT(m->parts, k);
            if (p->id < 0)
                continue;
            s = txt_buf_add(&r->media, &p->id, sizeof p->id, err);
            if (s == WEFT_OK && !is_in(&r->kinds, p->id))
                s = txt_buf_add(&r->kinds, &p->id, sizeof p->id, err);
        }
    }
    return s;
}

/* What a template calls a medium: by the marker's own text. */
static const char *media_type(const void *ctx, int32_t id)
{
    const txt_tokenizer *t = ctx;
    const txt_token     *token = txt_vocab_token(&t->vocab, id);
    const uint8_t       *text = token != NULL ? txt_vocab_bytes(&t->vocab, token) : NULL;
    if (text != NULL && memmem(text, token->length, "audio", 5) != NULL)
        return "audio";
    return text != NULL && memmem(text, token->length, "video", 5) != NULL ? "video" : "image";
}

/* *next: of the media, the one whose place is due. */
static weft_status put_mark(const txt_buf *media, const uint8_t *p, uint64_t left, uint32_t *bytes,
                            int32_t *next, txt_sink *out, weft_error *err)
{
    const int32_t number = tpl_media(p, left, bytes);
    if (media == NULL || number != *next || (uint64_t)number >= count_of(media))
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         "the chat template does not write each picture and recording once, in "
                         "order and whole");
    ++*next;
    txt_sink_put(out, (uint32_t)ids_of(media)[number]);
    return WEFT_OK;
}

weft_status txt_result_encode(const txt_tokenizer *t, const tpl_result *r, const txt_buf *media,
                              txt_sink *out, weft_error *err)
{
    const uint8_t *text = r->text.p, *origin = r->origin.p;
    txt_scratch    scratch;
    int32_t        next = 0;
    weft_status    s = WEFT_OK;
    txt_scratch_init(&scratch, t->host);
    for (uint64_t at = 0, end; s == WEFT_OK && at < r->text.n; at = end) {
        const uint8_t *mark = memchr(origin + at, TPL_MEDIA, r->text.n - at);
        uint32_t       bytes = 0;
        end = mark != NULL ? (uint64_t)(mark - origin) : r->text.n;
        if (end > at)
            s = txt_encode_given(t, text + at, origin + at, end - at, at == 0, &scratch, out, err);
        if (s == WEFT_OK && mark != NULL)
            s = put_mark(media, text + end, r->text.n - end, &bytes, &next, out, err);
        end += bytes;
    }
    txt_scratch_free(&scratch);
    return s;
}

/* Whether the ids hold all media of the messages, each once and in their order. */
static bool has_media(const run *r)
{
    uint64_t next = 0;
    for (uint64_t i = 0; i < count_of(&r->ids); i++) {
        const int32_t id = ids_of(&r->ids)[i];
        if (next < count_of(&r->media) && id == ids_of(&r->media)[next])
            next++;
        else if (is_in(&r->kinds, id))
            return false;
    }
    return next == count_of(&r->media);
}

static weft_status render(run *r, int media, weft_error *err)
{
    tpl_result result = {.text.host = r->t->host, .origin.host = r->t->host};
    txt_sink   count = {NULL, 0, 0};
    r->rq.media = media;
    r->ids.n = 0;
    weft_status s = tpl_render(r->t->templates.usual, &r->rq, &result, err);
    if (s == WEFT_OK)
        s = txt_result_encode(r->t, &result, &r->media, &count, err);
    if (s == WEFT_OK)
        s = txt_buf_reserve(&r->ids, count.n * sizeof(int32_t), err);
    if (s == WEFT_OK) {
        txt_sink out = {(int32_t *)(void *)r->ids.p, count.n, 0};
        s = txt_result_encode(r->t, &result, &r->media, &out, err);
        r->ids.n = out.n * sizeof(int32_t);
    }
    txt_buf_free(&result.text);
    txt_buf_free(&result.origin);
    return s;
}

/* A template that reads lists writes a picture's place in its own way. Where that does not come to
 * the marker that the host looks for, the place is a mark in the text. */
static weft_status render_in_some_form(run *r, weft_error *err)
{
    const txt_templates *own = &r->t->templates;
    const bool           media = r->media.n != 0;
    const bool           lists = own->lists && (media || !own->strings);
    weft_status          s = render(r, lists ? TPL_MEDIA_TYPES : TPL_MEDIA_MARKS, err);
    if (lists && media && (s == WEFT_E_INVALID || (s == WEFT_OK && !has_media(r))))
        s = render(r, TPL_MEDIA_TEXTS, err);
    if (s == WEFT_OK && media && !has_media(r))
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         "the chat template does not write the place of every picture or recording "
                         "once, in the order of the conversation");
    return s;
}

weft_status txt_template_chat(const txt_tokenizer *t, const weft_message *m, uint32_t n,
                              int32_t *ids, uint64_t cap, uint64_t *need, weft_error *err)
{
    static const weft_message nothing = {WEFT_HDR(weft_message), "user", NULL, 0, 0};
    run                       r = {.t = t,
                                   .rq = {.m = n != 0 ? m : &nothing, .n_messages = n},
                                   .media.host = t->host,
                                   .kinds.host = t->host,
                                   .ids.host = t->host};
    weft_status               s = txt_templates_usable(&t->templates, err);
    r.rq.variables = t->templates.variables;
    r.rq.n_variables = t->templates.n_variables;
    r.rq.date = t->templates.date;
    r.rq.media_type = media_type;
    r.rq.ctx = t;
    if (s == WEFT_OK)
        s = find_media(&r, err);
    if (s == WEFT_OK)
        s = render_in_some_form(&r, err);
    *need = count_of(&r.ids);
    if (s == WEFT_OK && cap != 0 && *need != 0)
        memcpy(ids, r.ids.p, (*need < cap ? *need : cap) * sizeof *ids);
    txt_buf_free(&r.media);
    txt_buf_free(&r.kinds);
    txt_buf_free(&r.ids);
    return s;
}
