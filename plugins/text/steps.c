/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the steps of a normalizer, a pre-tokenizer or a decoder from tokenizer.json: the fields of
 * each, as the file has them, and at the end the kind of each. Whatever field or kind is not known
 * is refused by its name, because text would be encoded otherwise without it. Source:
 * huggingface/tokenizers (the serialisation of normalizers, pre_tokenizers and decoders). */
#include <stddef.h>

#include "steps.h"

#define FILE_NAME "tokenizer.json"

void txt_steps_init(txt_steps *s, const weft_host *h)
{
    memset(s, 0, sizeof *s);
    s->strings.host = h;
}

void txt_steps_free(txt_steps *s)
{
    for (uint32_t i = 0; i <= TXT_MAX_STEPS; i++)
        txt_regex_free(s->at[i].regex);
    txt_buf_free(&s->strings);
    memset(s, 0, sizeof *s);
}

const uint8_t *txt_step_bytes(const txt_steps *s, txt_text t)
{
    return t.n != 0 ? s->strings.p + t.at : (const uint8_t *)"";
}

bool txt_step_is(const txt_steps *s, txt_text t, const char *text)
{
    return t.at != TXT_NONE && t.n == strlen(text) && memcmp(txt_step_bytes(s, t), text, t.n) == 0;
}

static weft_status text_keep(txt_steps *s, txt_text *t, const void *text, uint64_t n,
                             weft_error *err)
{
    *t = (txt_text){(uint32_t)s->strings.n, (uint32_t)n};
    if (n > TXT_MAX_STEP_TEXT)
        return weft_fail(err, WEFT_E_LIMIT, FILE_NAME " has a pattern of more than %u bytes",
                         TXT_MAX_STEP_TEXT);
    return txt_buf_add(&s->strings, text, n, err);
}

typedef struct named {
    const char *name;
    size_t      at; /* in txt_step */
} named;

static const named flags[] = {
    {"invert", offsetof(txt_step, invert)},
    {"individual_digits", offsetof(txt_step, individual)},
    {"use_regex", offsetof(txt_step, splits)},
    {"split", offsetof(txt_step, splits)},
    {"add_prefix_space", offsetof(txt_step, adds_space)},
};
static const named texts[] = {
    {"pattern.String", offsetof(txt_step, pattern)}, {"pattern.Regex", offsetof(txt_step, pattern)},
    {"content", offsetof(txt_step, content)},        {"prepend", offsetof(txt_step, content)},
    {"replacement", offsetof(txt_step, content)},
};
static const named counts[] = {{"start", offsetof(txt_step, start)},
                               {"stop", offsetof(txt_step, stop)}};
/* What has no influence on ids, and containers whose values come by themselves. */
static const char *const idle[] = {"trim_offsets", "str_rep", "pattern"};
static const char *const behaviors[] = {"Isolated",       "Removed",    "MergedWithPrevious",
                                        "MergedWithNext", "Contiguous", NULL};
static const char *const schemes[] = {"always", "first", "never", NULL};

static void *field_find(txt_step *step, const named *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].name, name) == 0)
            return (char *)step + list[i].at;
    return NULL;
}
#define FIND(list) field_find(step, list, sizeof list / sizeof *list, name)

static weft_status unknown(const txt_json *j, weft_error *err)
{
    return weft_fail(err, WEFT_E_UNSUPPORTED,
                     FILE_NAME ":%u: %s has a value that is not known here", j->in.line, j->path);
}

static weft_status word_read(const txt_json *j, const char *const *words, int *out, weft_error *err)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (txt_json_is(j, TXT_IS_TEXT, words[i])) {
            *out = i;
            return WEFT_OK;
        }
    }
    return unknown(j, err);
}

static weft_status flag_read(txt_json *j, bool *out, weft_error *err)
{
    if (j->event != TXT_J_TRUE && j->event != TXT_J_FALSE)
        return txt_json_bad(j, err, "this is neither true nor false");
    *out = j->event == TXT_J_TRUE;
    return WEFT_OK;
}

static weft_status text_read(txt_steps *s, txt_step *step, txt_json *j, const char *name,
                             txt_text *text, weft_error *err)
{
    if (j->event != TXT_J_STRING)
        return txt_json_bad(j, err, "this is no string");
    if (text->at != TXT_NONE)
        return txt_json_bad(j, err, "this is there for the second time");
    step->is_regex |= strcmp(name, "pattern.Regex") == 0;
    return text_keep(s, text, j->text.p, j->text.n, err);
}

static weft_status field_read(txt_steps *s, txt_step *step, txt_json *j, const char *name,
                              weft_error *err)
{
    void *at;
    if (strcmp(name, "type") == 0) {
        if (j->event != TXT_J_STRING || j->text.n == 0 || j->text.n >= sizeof step->type)
            return unknown(j, err);
        if (step->type[0] != '\0')
            return txt_json_bad(j, err, "this is there for the second time");
        memcpy(step->type, j->text.p, j->text.n + 1);
        return WEFT_OK;
    }
    if ((at = FIND(flags)) != NULL)
        return flag_read(j, at, err);
    if ((at = FIND(texts)) != NULL)
        return text_read(s, step, j, name, at, err);
    if ((at = FIND(counts)) != NULL)
        return txt_json_uint(j, 1024, at, err);
    if (strcmp(name, "behavior") == 0)
        return word_read(j, behaviors, &step->behavior, err);
    if (strcmp(name, "prepend_scheme") == 0) {
        step->said_prefix = true;
        return word_read(j, schemes, &step->prefix, err);
    }
    for (size_t i = 0; i < sizeof idle / sizeof *idle; i++)
        if (strcmp(name, idle[i]) == 0)
            return WEFT_OK;
    return unknown(j, err);
}

static void step_begin(txt_step *step)
{
    *step = (txt_step){.pattern = {TXT_NONE, 0}, .content = {TXT_NONE, 0}};
    step->splits = step->adds_space = true;
}

/* The index in "[3].type" and what is behind it: ".type" without its point, or "". */
static const char *index_read(const char *rest, uint32_t *index)
{
    uint32_t i = 0, digits = 0;
    for (rest++; *rest >= '0' && *rest <= '9' && digits < 4; rest++, digits++)
        i = i * 10 + (uint32_t)(*rest - '0');
    *index = i;
    if (digits == 0 || *rest != ']')
        return NULL;
    return rest[1] == '.' ? rest + 2 : rest + 1;
}

/* Entry 0 is the step that the root itself is, entry i + 1 the step i of its list. */
weft_status txt_steps_value(txt_steps *s, txt_json *j, const char *root, const char *list,
                            weft_error *err)
{
    const char *rest = j->path + strlen(root);
    uint32_t    index = 0;
    if (*rest == '\0') {
        if (s->is_said)
            return txt_json_bad(j, err, "this is there for the second time");
        s->is_said = true;
        if (j->event != TXT_J_NULL && j->event != TXT_J_OBJECT)
            return unknown(j, err);
        if (j->event == TXT_J_OBJECT)
            step_begin(&s->at[s->n++]);
        return WEFT_OK;
    }
    rest++;
    if (strncmp(rest, list, strlen(list)) == 0) {
        rest += strlen(list);
        if (*rest == '\0')
            return j->event == TXT_J_ARRAY ? WEFT_OK : unknown(j, err);
        if (*rest != '[' || (rest = index_read(rest, &index)) == NULL || index > s->n)
            return unknown(j, err);
        if (++index > TXT_MAX_STEPS)
            return weft_fail(err, WEFT_E_LIMIT, FILE_NAME ": %s has more than %u steps", root,
                             TXT_MAX_STEPS);
        if (*rest == '\0') {
            if (j->event != TXT_J_OBJECT || index != s->n)
                return unknown(j, err);
            step_begin(&s->at[s->n++]);
            return WEFT_OK;
        }
    }
    return field_read(s, &s->at[index], j, rest, err);
}

weft_status txt_steps_finish(txt_steps *s, const char *root, const txt_step_kind *kinds,
                             uint32_t n_kinds, weft_error *err)
{
    weft_status status = WEFT_OK;
    if (s->n != 0 && strcmp(s->at[0].type, "Sequence") == 0) {
        memmove(s->at, s->at + 1, (--s->n) * sizeof *s->at);
        memset(&s->at[s->n], 0, sizeof *s->at);
    } else if (s->n > 1)
        return weft_fail(err, WEFT_E_UNSUPPORTED, FILE_NAME ": %s has a list and is no Sequence",
                         root);
    for (uint32_t i = 0; status == WEFT_OK && i < s->n; i++) {
        txt_step *step = &s->at[i];
        for (uint32_t k = 0; k < n_kinds; k++)
            if (strcmp(kinds[k].type, step->type) == 0)
                step->kind = &kinds[k];
        if (step->kind == NULL)
            return weft_fail(err, WEFT_E_UNSUPPORTED,
                             FILE_NAME " has a %s \"%s\", which is not known here", root,
                             step->type);
        if (step->kind->check != NULL)
            status = step->kind->check(s, step, err);
    }
    return status;
}

weft_status txt_steps_split(txt_steps *s, const void *regex, uint64_t n, weft_error *err)
{
    txt_step *step = &s->at[0];
    step_begin(step);
    s->n = 1;
    memcpy(step->type, "Split", 6);
    step->is_regex = true;
    weft_status status = text_keep(s, &step->pattern, regex, n, err);
    if (status != WEFT_OK)
        return status;
    return txt_steps_finish(s, "pre_tokenizer", txt_pre_tokenizers, txt_n_pre_tokenizers, err);
}
