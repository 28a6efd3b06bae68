/* SPDX-License-Identifier: Apache-2.0 */
/* Chat templates: the Jinja in which a model's directory says how a conversation is written.
 *
 * A template is compiled once and afterwards only read, so that any thread may run it. Each run has
 * memory of its own, which is freed as a whole at its end. What a template may do is bounded: the
 * steps that it takes, how deep it nests, the memory that it uses and the text that it writes.
 *
 * Each byte of every string carries its origin through all filters and operations: the template, or
 * the conversation. The result is text with the origin of each byte, and who turns it into tokens
 * takes a special token only where the template wrote the whole of it. The same holds for numbers
 * and truth values: one that was computed from the conversation prints as the conversation's text.
 *
 * Names here begin with tpl_. Source of the language: Jinja 3.1 (templates, nativetypes apart) in
 * the set-up of transformers' utils/chat_template_utils.py: trim_blocks, lstrip_blocks, loop
 * controls, the generation tag, the immutable sandbox, its own tojson, raise_exception and
 * strftime_now. */
#ifndef TPL_TEMPLATE_H
#define TPL_TEMPLATE_H

#include "base.h"

#define TPL_MAX_SOURCE ((uint64_t)1 << 20) /* bytes of a template */
#define TPL_MAX_STEPS ((uint64_t)1 << 24)  /* of compiling, and of each run */
#define TPL_MAX_DEPTH 200u                 /* of expressions, statements, macro calls and values */
#define TPL_MAX_MEMORY ((uint64_t)256 << 20)
#define TPL_MAX_OUTPUT ((uint64_t)32 << 20)

/* Where a byte of the result comes from. MEDIA: it belongs to the mark of a medium (tpl_media). */
enum { TPL_OWN, TPL_GIVEN, TPL_MEDIA };

typedef struct tpl_template tpl_template;
/* from: what messages call the template ("chat_template.jinja"); copied, as source is. CORRUPT: it
 * is no template; LIMIT: it is too large or nested too deep. *out is NULL on failure. [setup] */
weft_status tpl_compile(const weft_host *h, const char *from, const uint8_t *source, uint64_t n,
                        tpl_template **out, weft_error *err);
void        tpl_free(tpl_template *t);

/* A conversation for one run. JSON is UTF-8 and is not terminated. */
typedef struct tpl_json {
    const char *name; /* for messages: "FILE.json" */
    const char *text; /* NULL: not given */
    uint64_t    n;
} tpl_json;
typedef struct tpl_variable { /* a variable whose value is a text of the template's side */
    const char *name, *value;
} tpl_variable;
typedef struct tpl_date {
    int32_t year, month, day; /* 1 to 12, 1 to 31 */
} tpl_date;
/* A string in which media are marks; a list of parts in which a medium is {"type": "image"}; a list
 * of parts in which a medium is a part of text, its mark. */
enum { TPL_MEDIA_MARKS, TPL_MEDIA_TYPES, TPL_MEDIA_TEXTS };
typedef struct tpl_run_request {
    /* A list of messages, or an object whose members become variables. Ignored where `m` is set. */
    tpl_json            messages;
    tpl_json            tools;
    const weft_message *m; /* [n_messages], walked by WEFT_AT */
    uint32_t            n_messages, n_variables;
    /* What a message's content is. Only with m. */
    int media;                                              /* TPL_MEDIA_* */
    const char *(*media_type)(const void *ctx, int32_t id); /* "image": of a part in TYPES */
    const void         *ctx;
    const tpl_variable *variables; /* bos_token and its like */
    tpl_date            date;      /* what strftime_now tells; month 0: nothing is known */
} tpl_run_request;

typedef struct tpl_result {
    txt_buf text, origin; /* the same number of bytes: TPL_OWN, TPL_GIVEN or TPL_MEDIA each */
} tpl_result;
/* Runs the template. out's buffers have their host set and are empty; the caller frees them, also
 * after a failure. INVALID: the template refuses the conversation, or cannot be run on it; the
 * message names the line. CORRUPT: the JSON is damaged. LIMIT names the limit. UNSUPPORTED: it uses
 * what is not known here. [any] */
weft_status tpl_render(const tpl_template *t, const tpl_run_request *rq, tpl_result *out,
                       weft_error *err);
/* The place in rq's media, from 0, whose mark the TPL_MEDIA bytes at p begin with; *n becomes its
 * bytes. -1: they are no whole mark. */
int32_t tpl_media(const uint8_t *p, uint64_t left, uint32_t *n);
/* Whether a message's content may be a string, and a list of parts: what a message of one word
 * becomes tells it. [setup] */
void tpl_probe(const tpl_template *t, const tpl_run_request *rq, bool *strings, bool *lists);

#endif
