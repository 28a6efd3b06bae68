/* SPDX-License-Identifier: Apache-2.0 */
/* A module of the build tree through its entry, without the loader. */
#ifndef TEST_LOAD_H
#define TEST_LOAD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <dlfcn.h>

#include "weft/sdk.h"

/* build/plugins/NAME.so stays loaded; init is the caller's. */
static inline weft_plugin module_load(const char *name)
{
    const weft_hello hello = {
        WEFT_HDR(weft_hello), WEFT_MAGIC, WEFT_ABI_MAJOR, WEFT_ABI_MINOR, 0, "test", "0"};
    weft_plugin          me = {.hdr = WEFT_HDR(weft_plugin)};
    weft_plugin_entry_fn entry;
    char                 path[4096];
    snprintf(path, sizeof path, WEFT_BUILD_DIR "/plugins/%s.so", name);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        fail_msg("%s", dlerror());
    *(void **)&entry = dlsym(library, WEFT_ENTRY_SYMBOL);
    assert_non_null(entry);
    assert_int_equal(entry(&hello, &me, NULL), WEFT_OK);
    return me;
}

/* The first component of this kind, NULL: there is none. */
static inline const void *module_component(const weft_plugin *p, const char *kind)
{
    for (uint32_t i = 0; i < p->desc->n_components; i++)
        if (strcmp(p->desc->components[i].kind, kind) == 0)
            return p->desc->components[i].vtable;
    return NULL;
}

#endif
