/* SPDX-License-Identifier: Apache-2.0 */
/* weft.options/1: the values of the options that this plugin declared, and the directories that
 * they name. */
#include <string.h>

#include "core/base/mem.h"
#include "core/host/lent.h"
#include "core/settings/value.h"

static const weft_option *option_at(const wf_lent *p, uint32_t i)
{
    return WEFT_AT(p->desc->options, i);
}

static const weft_option *option_of(const wf_lent *p, const char *key)
{
    for (uint32_t i = 0; key != NULL && i < p->desc->n_options; i++)
        if (strcmp(option_at(p, i)->key, key) == 0)
            return option_at(p, i);
    return NULL;
}

static const char *text_of(const weft_host *h, const char *key)
{
    const wf_lent *p = wf_lent_of(h);
    return option_of(p, key) != NULL ? wf_settings_plugin_str(p->all->cfg.settings, p->id, key)
                                     : NULL;
}

static int64_t options_i64(const weft_host *h, const char *key)
{
    return wf_value_i64(text_of(h, key));
}

static double options_f64(const weft_host *h, const char *key)
{
    return wf_value_f64(text_of(h, key));
}

static const weft_package *options_package(const weft_host *h, const char *key)
{
    for (const wf_opened *o = wf_lent_of(h)->opened; key != NULL && o != NULL; o = o->next)
        if (strcmp(o->key, key) == 0)
            return o->package;
    return NULL;
}

const weft_if_options wf_host_options = {WEFT_HDR(weft_if_options), options_i64, options_f64,
                                         text_of, options_package};

static weft_status open_one(wf_lent *p, const weft_option *o, const char *dir, weft_error *err)
{
    wf_opened *one = wf_zalloc(sizeof *one);
    if (one == NULL)
        return wf_fail_nomem(err, sizeof *one, "a model directory");
    one->next = p->opened;
    one->key = o->key;
    p->opened = one;
    return wf_fail_stage(err, wf_package_open(dir, &one->package, err), WEFT_STAGE_MODEL);
}

weft_status wf_host_packages_open(wf_lent *p, weft_error *err)
{
    weft_status st = WEFT_OK;
    for (uint32_t i = 0; i < p->desc->n_options && st == WEFT_OK; i++) {
        const weft_option *o = option_at(p, i);
        const char        *dir = o->type == WEFT_OPT_PACKAGE
                                     ? wf_settings_plugin_str(p->all->cfg.settings, p->id, o->key)
                                     : NULL;
        if (dir != NULL)
            st = open_one(p, o, dir, err);
    }
    return st;
}

void wf_host_packages_close(wf_lent *p)
{
    while (p->opened != NULL) {
        wf_opened *o = p->opened;
        p->opened = o->next;
        wf_package_close(&o->package);
        wf_free(o);
    }
}
