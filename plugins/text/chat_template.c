/* SPDX-License-Identifier: Apache-2.0 */
/* Finds a directory's chat template: chat_template.jinja, else chat_template.json, else
 * tokenizer_config.json. In JSON it is a string, or a list of named ones, of which "default" is the
 * usual one and "tool_use" the one for conversations with tools. Source: transformers
 * tokenization_utils_base.py (get_chat_template, special_tokens_map). */
#include "text.h"

#define JINJA "chat_template.jinja"
#define TOKENIZER_CONFIG "tokenizer_config.json"

/* The name and the source of one template of a list, in the order in which they come. */
typedef struct named {
    txt_buf name, source;
    char    path[32]; /* "chat_template[3]" */
} named;

static const weft_if_package *package_of(const txt_tokenizer *t)
{
    return t->host->get_interface(t->host, WEFT_IF_PACKAGE);
}

/* Compiles one; a template that is none is no failure here. */
static weft_status compile(txt_tokenizer *t, tpl_template **out, const char *from,
                           const txt_buf *source)
{
    weft_error  why = {WEFT_HDR(weft_error), 0, 0, {0}};
    weft_status s;
    if (*out != NULL)
        return WEFT_OK;
    t->templates.is_there = true;
    s = tpl_compile(t->host, from, source->p, source->n, out, &why);
    if (s != WEFT_OK && t->templates.why.code == WEFT_OK)
        t->templates.why = why;
    return s == WEFT_E_NOMEM ? s : WEFT_OK;
}

static weft_status from_jinja(txt_tokenizer *t, const weft_package *p, weft_error *err)
{
    txt_reader  r;
    txt_buf     text = {.host = t->host};
    int         c = 0;
    weft_status s = txt_reader_open(t->host, p, JINJA, TPL_MAX_SOURCE, &r, err);
    if (s != WEFT_OK)
        return s == WEFT_E_NOTFOUND ? WEFT_OK : s;
    while (s == WEFT_OK && (s = txt_reader_next(&r, &c, err)) == WEFT_OK && c >= 0) {
        uint8_t byte = (uint8_t)c;
        s = txt_buf_add(&text, &byte, 1, err);
    }
    if (s == WEFT_OK)
        s = compile(t, &t->templates.usual, JINJA, &text);
    txt_buf_free(&text);
    txt_reader_close(&r);
    return s;
}

/* Takes "name" or "template" of one of a list; once both are there it is compiled. */
static weft_status take_named(txt_tokenizer *t, const txt_json *j, named *n, const char *file,
                              weft_error *err)
{
    const char    *dot = strrchr(j->path, '.');
    const uint32_t length = dot != NULL ? (uint32_t)(dot - j->path) : 0;
    if (dot == NULL || length >= sizeof n->path)
        return WEFT_OK;
    if (strncmp(n->path, j->path, length) != 0 || n->path[length] != '\0') {
        n->name.n = n->source.n = 0;
        snprintf(n->path, sizeof n->path, "%.*s", (int)length, j->path);
    }
    const bool  name = strcmp(dot, ".name") == 0;
    weft_status s = WEFT_OK;
    if (name || strcmp(dot, ".template") == 0)
        s = txt_buf_add(name ? &n->name : &n->source, j->text.p, j->text.n, err);
    if (s != WEFT_OK || n->name.n == 0 || n->source.n == 0)
        return s;
    if (n->name.n == 7 && memcmp(n->name.p, "default", 7) == 0)
        return compile(t, &t->templates.usual, file, &n->source);
    if (n->name.n == 8 && memcmp(n->name.p, "tool_use", 8) == 0)
        return compile(t, &t->templates.tools, file, &n->source);
    return WEFT_OK;
}

static weft_status from_json(txt_tokenizer *t, const weft_package *p, const char *file,
                             weft_error *err)
{
    txt_json    j;
    named       n = {.name.host = t->host, .source.host = t->host};
    weft_status s = txt_json_open(t->host, p, file, &j, err);
    if (s != WEFT_OK)
        return s == WEFT_E_NOTFOUND ? WEFT_OK : s;
    while (s == WEFT_OK && (s = txt_json_next(&j, err)) == WEFT_OK && j.event != TXT_J_END) {
        if (j.event != TXT_J_STRING)
            continue;
        if (strcmp(j.path, "chat_template") == 0)
            s = compile(t, &t->templates.usual, file, &j.text);
        else if (strncmp(j.path, "chat_template[", 14) == 0)
            s = take_named(t, &j, &n, file, err);
    }
    txt_buf_free(&n.name);
    txt_buf_free(&n.source);
    txt_json_close(&j);
    return s;
}

/* A special token's text, by a string or an object with "content"; NULL: the file has none. */
static const char *named_token(const txt_tokenizer *t, const weft_package *p, const char *file,
                               const char *name)
{
    char        path[48];
    const char *text = NULL;
    snprintf(path, sizeof path, "%s.content", name);
    if (package_of(t)->json_str(t->host, p, file, name, &text, NULL) != WEFT_OK &&
        package_of(t)->json_str(t->host, p, file, path, &text, NULL) != WEFT_OK)
        return NULL;
    return text;
}

/* The variables that stand for special tokens, as the files name them or the tokenizer's class has
 * them. */
static void read_variables(txt_tokenizer *t, const weft_package *p)
{
    static const char *const names[][2] = {
        {"bos_token", "<s>"}, {"eos_token", "</s>"}, {"unk_token", "<unk>"}, {"pad_token", NULL},
        {"sep_token", NULL},  {"cls_token", NULL},   {"mask_token", NULL}};
    const char *class = NULL;
    const bool llama = package_of(t)->json_str(t->host, p, TOKENIZER_CONFIG, "tokenizer_class",
                                               &class, NULL) == WEFT_OK &&
                       (strncmp(class, "LlamaTokenizer", 14) == 0 ||
                        strncmp(class, "CodeLlamaTokenizer", 18) == 0);
    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *text = named_token(t, p, TOKENIZER_CONFIG, names[i][0]);
        if (text == NULL)
            text = named_token(t, p, "special_tokens_map.json", names[i][0]);
        if (text == NULL && llama)
            text = names[i][1];
        if (text != NULL)
            t->templates.variables[t->templates.n_variables++] = (tpl_variable){names[i][0], text};
    }
}

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

bool txt_date_read(const char *text, tpl_date *out)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    char             month[4] = "";
    int              y = 0, m = 0, d = 0, end = 0;
    if (sscanf(text, "%4d-%2d-%2d%n", &y, &m, &d, &end) != 3 || text[end] != '\0') {
        end = 0;
        m = 0;
        if (sscanf(text, "%2d %3[A-Za-z] %4d%n", &d, month, &y, &end) != 3 || text[end] != '\0')
            return false;
        for (int i = 0; i < 12; i++)
            if (strcmp(month, months[i]) == 0)
                m = i + 1;
    }
    *out = (tpl_date){y, m, d};
    return y >= 1 && m >= 1 && m <= 12 && d >= 1 && d <= days[m - 1];
}

void txt_date_write(const tpl_date *d, char dst[32])
{
    snprintf(dst, 32, "%02d %s %d", d->day, months[d->month - 1], d->year);
}

static void read_date(txt_tokenizer *t)
{
    txt_templates *own = &t->templates;
    if (txt_date_read(t->date, &own->date))
        txt_date_write(&own->date, own->date_text);
    else
        own->date.month = 0;
}

/* A template that asks for the date by a variable gets it where the user named one. */
static void add_date(txt_tokenizer *t)
{
    txt_templates *own = &t->templates;
    if (own->date.month != 0 && strcmp(own->date_text, TXT_DATE) != 0)
        own->variables[own->n_variables++] = (tpl_variable){"date_string", own->date_text};
}

weft_status txt_templates_read(txt_tokenizer *t, const weft_package *p, weft_error *err)
{
    const weft_if_options *options = t->host->get_interface(t->host, WEFT_IF_OPTIONS);
    const char            *format = options->str(t->host, "chat_format");
    txt_templates         *own = &t->templates;
    read_date(t);
    if (format != NULL && strcmp(format, "built-in") == 0)
        return WEFT_OK;
    weft_status s = from_jinja(t, p, err);
    if (s == WEFT_OK && !own->is_there)
        s = from_json(t, p, "chat_template.json", err);
    if (s == WEFT_OK && !own->is_there)
        s = from_json(t, p, TOKENIZER_CONFIG, err);
    if (s != WEFT_OK || own->usual == NULL)
        return s;
    read_variables(t, p);
    add_date(t);
    const tpl_run_request like = {
        .variables = own->variables, .n_variables = own->n_variables, .date = own->date};
    tpl_probe(own->usual, &like, &own->strings, &own->lists);
    return WEFT_OK;
}

weft_status txt_templates_usable(const txt_templates *t, weft_error *err)
{
    if (t->usual != NULL)
        return WEFT_OK;
    if (!t->is_there)
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         "the directory has no chat template: neither " JINJA
                         " nor chat_template in " TOKENIZER_CONFIG);
    if (t->why.code == WEFT_OK)
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         "the directory has chat templates, but none is named \"default\"");
    return weft_fail(err, WEFT_E_UNSUPPORTED, "%s", t->why.message);
}

void txt_templates_free(txt_templates *t)
{
    tpl_free(t->usual);
    tpl_free(t->tools);
}
