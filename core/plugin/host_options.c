/* SPDX-License-Identifier: Apache-2.0 */
/* weft.options/1: the values of the options that this plugin declared. */
#include <string.h>

#include "core/plugin/plugin.h"
#include "core/settings/value.h"
#include "weft/package.h"

static const char *text_of(const weft_host *h, const char *key)
{
    const wf_plugin       *p = wf_host_plugin(h);
    const weft_descriptor *d = p->desc;
    for (uint32_t i = 0; key != NULL && i < d->n_options; i++)
        if (strcmp(d->options[i].key, key) == 0)
            return wf_settings_plugin_str(p->settings, p->id, key);
    return NULL;
}

static int64_t options_i64(const weft_host *h, const char *key)
{
    return wf_value_i64(text_of(h, key));
}

static double options_f64(const weft_host *h, const char *key)
{
    return wf_value_f64(text_of(h, key));
}

const weft_if_options wf_host_options = {WEFT_HDR(weft_if_options), options_i64, options_f64,
                                         text_of};
