/* SPDX-License-Identifier: Apache-2.0 */
/* weft preprocess: an encoder's inputs to a safetensors file, in the shapes that model verify
 * reads. */
#include "command/commands.h"

#include <string.h>

#include "command/session.h"
#include "exit.h"
#include "input/interrupt.h"
#include "input/stdin.h"
#include "input/values.h"
#include "output/say.h"
#include "output/target.h"

#define INPUTS_MAX 32u

/* verify takes several pictures or clips at once: their pixels ([tiles, ...], [frames, tiles, ...])
 * and a clip's times have an axis before that; what is one number has it already. */
static bool needs_axis(const char *kind, const char *name, const weft_tensor *t)
{
    if (kind == NULL || (strcmp(kind, "image") != 0 && strcmp(kind, "video") != 0))
        return false;
    return t->ndim > 1 || strcmp(name, "video_times_us") == 0;
}

static void add_axis(weft_tensor *t)
{
    int64_t whole = t->shape[0] * t->stride[0];
    for (int32_t i = t->ndim; i > 0; i--) {
        t->shape[i] = t->shape[i - 1];
        t->stride[i] = t->stride[i - 1];
    }
    t->shape[0] = 1;
    t->stride[0] = whole;
    t->ndim++;
}

static weft_status save_item(const weft_item *item, const char *path, weft_error *err)
{
    const char    *names[INPUTS_MAX];
    weft_tensor    tensors[INPUTS_MAX];
    weft_item_info d = {.hdr = WEFT_HDR(weft_item_info)};
    uint32_t       n = 0;
    weft_status    st = weft_item_describe(item, &d, err);
    if (st != WEFT_OK)
        return st;
    while (n < INPUTS_MAX && weft_item_input(item, n, &names[n], &tensors[n]) != 0) {
        if (needs_axis(d.kind, names[n], &tensors[n]))
            add_axis(&tensors[n]);
        n++;
    }
    return weft_save_tensors(path, names, tensors, n, err);
}

static int32_t preprocess(cli *c, weft_engine *e)
{
    weft_item_request rq = WEFT_ITEM_REQUEST(c->operands[0]);
    const char       *out = c->value[OWN_OUTPUT];
    weft_error        err = CLI_ERROR_INIT;
    weft_item        *item = NULL;
    weft_status       st = WEFT_OK;
    int32_t           code = cli_clip_request(c, &rq);
    if (code != CLI_EXIT_OK)
        return code;
    st = cli_media_ready(rq.path, &err);
    if (st == WEFT_OK)
        st = weft_item_open(e, &rq, &item, &err);
    if (st == WEFT_OK && cli_interrupted())
        st = err.code = WEFT_E_CANCELLED;
    if (st == WEFT_OK)
        st = save_item(item, cli_is_stdout(out) ? "/dev/stdout" : out, &err);
    weft_item_release(&item);
    if (st == WEFT_OK)
        return CLI_EXIT_OK;
    return cli_interrupted() ? CLI_EXIT_INTERRUPTED : cli_say_error(&err);
}

int32_t cli_run_preprocess(cli *c)
{
    int32_t code = CLI_EXIT_OK;
    if (c->n_operands == 0)
        return cli_usage(c, "name a FILE, or - for standard input");
    if (!cli_has(c, OWN_OUTPUT))
        return cli_usage(c, "-o FILE is missing");
    if (cli_is_same_file(c->value[OWN_OUTPUT], c->operands[0]))
        return cli_usage(c, "-o %.600s: is FILE itself", c->value[OWN_OUTPUT]);
    code = cli_check_target(c, OWN_OUTPUT);
    if (code != CLI_EXIT_OK)
        return code;
    weft_engine *e = cli_engine_open(c, WEFT_OPEN_CONFIG | WEFT_OPEN_NO_CORE, &code);
    if (e != NULL)
        code = preprocess(c, e);
    cli_engine_close(&e);
    return code;
}
