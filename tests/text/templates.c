/* SPDX-License-Identifier: Apache-2.0 */
#include "templates.h"

#include <stdio.h>
#include <stdlib.h>

char *template_load(const char *name, uint64_t *bytes)
{
    char path[512];
    snprintf(path, sizeof path, "%s/templates/%s", WEFT_FIXTURES, name);
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        fail_msg("%s is missing", path);
    fseek(f, 0, SEEK_END);
    *bytes = (uint64_t)ftell(f);
    rewind(f);
    char *text = malloc((size_t)*bytes + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)*bytes, f), *bytes);
    text[*bytes] = '\0';
    fclose(f);
    return text;
}

json_t *template_json(const char *name)
{
    uint64_t     n;
    char        *text = template_load(name, &n);
    json_error_t why;
    json_t      *document = json_loadb(text, (size_t)n, JSON_ALLOW_NUL, &why);
    if (document == NULL)
        fail_msg("%s:%d: %s", name, why.line, why.text);
    free(text);
    return document;
}

weft_status template_run(fake_host *h, const char *source, uint64_t n, const json_t *document,
                         tpl_result *out, weft_error *err)
{
    static const tpl_variable variables[] = {
        {"bos_token", "<BOS>"}, {"eos_token", "<EOS>"}, {"unk_token", "<UNK>"}};
    char           *text = json_dumps(document, 0);
    tpl_run_request rq = {.messages = {"messages.json", text, strlen(text)},
                          .variables = variables,
                          .n_variables = 3,
                          .date = {2024, 12, 6}};
    tpl_template   *t;
    *out = (tpl_result){.text.host = &h->host, .origin.host = &h->host};
    weft_status s = tpl_compile(&h->host, "template", (const uint8_t *)source, n, &t, err);
    if (s == WEFT_OK)
        s = tpl_render(t, &rq, out, err);
    tpl_free(t);
    free(text);
    return s;
}

void result_free(tpl_result *r)
{
    txt_buf_free(&r->text);
    txt_buf_free(&r->origin);
}
