/* SPDX-License-Identifier: Apache-2.0 */
/* Modules, functions and launches. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

/* Modules that were unloaded and have no variables of their own, kept for the next time that the
 * same text is loaded: tests open the device hundreds of times. */
typedef struct kept {
    ptx_module *code;
    uint64_t    hash;
    size_t      bytes;
} kept;
static kept cache[64];

static uint64_t hash_of(const char *text, size_t bytes)
{
    uint64_t h = 0xcbf29ce484222325ull;
    for (size_t i = 0; i < bytes; i++)
        h = (h ^ (uint8_t)text[i]) * 0x100000001b3ull;
    return h;
}

static ptx_module *code_of(module *m, const char *text, size_t bytes, char why[256])
{
    m->hash = hash_of(text, bytes);
    m->bytes = bytes;
    for (size_t i = 0; i < sizeof cache / sizeof *cache; i++) {
        if (cache[i].code != NULL && cache[i].hash == m->hash && cache[i].bytes == bytes) {
            ptx_module *code = cache[i].code;
            cache[i].code = NULL;
            return code;
        }
    }
    return ptx_module_new(it.memory, text, bytes, why);
}

static void keep_or_free(const module *m)
{
    for (size_t i = 0; i < sizeof cache / sizeof *cache && !ptx_module_varies(m->code); i++) {
        if (cache[i].code == NULL) {
            cache[i] = (kept){m->code, m->hash, m->bytes};
            return;
        }
    }
    ptx_module_free(m->code);
}

static __attribute__((destructor)) void forget(void)
{
    for (size_t i = 0; i < sizeof cache / sizeof *cache; i++)
        ptx_module_free(cache[i].code);
}

static result f_cuModuleLoadData(module **out, const void *image)
{
    result r = enter(true);
    if (r != OK)
        return r;
    char        why[256];
    size_t      bytes = 0;
    const char *text = ptx_in_image(image, it.major * 10 + it.minor, &bytes, &r);
    if (text == NULL)
        return leave(r);
    module *m = calloc(1, sizeof *m);
    if (m == NULL)
        return leave(OUT_OF_MEMORY);
    m->code = code_of(m, text, bytes, why);
    if (m->code == NULL) {
        fault(why);
        free(m);
        return leave(INVALID_IMAGE);
    }
    m->next = it.modules;
    it.modules = m;
    *out = m;
    return leave(OK);
}

static result f_cuModuleUnload(module *m)
{
    enter_surely();
    run_all();
    for (module **p = &it.modules; *p != NULL; p = &(*p)->next) {
        if (*p != m)
            continue;
        *p = m->next;
        for (function *f = m->functions, *next; f != NULL; f = next) {
            next = f->next;
            free(f);
        }
        keep_or_free(m);
        free(m);
        return leave(OK);
    }
    return leave(INVALID_HANDLE);
}

static result f_cuModuleGetFunction(function **out, module *m, const char *name)
{
    const result r = enter(true);
    if (r != OK)
        return r;
    ptx_kernel *k = ptx_kernel_find(m->code, name);
    if (k == NULL)
        return leave(NOT_FOUND);
    for (function *f = m->functions; f != NULL; f = f->next) {
        if (f->kernel == k) {
            *out = f;
            return leave(OK);
        }
    }
    function *f = calloc(1, sizeof *f);
    if (f == NULL)
        return leave(OUT_OF_MEMORY);
    *f = (function){.next = m->functions, .of = m, .kernel = k};
    ptx_kernel_facts(k, &f->facts);
    f->dynamic_most = (uint32_t)it.shared_block - f->facts.shared_bytes;
    m->functions = f;
    *out = f;
    return leave(OK);
}

static result f_cuModuleGetGlobal(address *p, size_t *bytes, module *m, const char *name)
{
    size_t       n = 0;
    const result r = enter(true);
    if (r != OK)
        return r;
    const address at = ptx_variable(m->code, name, &n);
    if (p != NULL)
        *p = at;
    if (bytes != NULL)
        *bytes = n;
    return leave(at != 0 ? OK : NOT_FOUND);
}

static result f_cuFuncGetParamInfo(function *f, size_t index, size_t *offset, size_t *bytes)
{
    const result r = enter(true);
    if (r != OK)
        return r;
    if (index >= f->facts.n_params)
        return leave(INVALID_VALUE);
    *offset = f->facts.param[index].offset;
    *bytes = f->facts.param[index].bytes;
    return leave(OK);
}

static result f_cuFuncSetAttribute(function *f, int attribute, int value)
{
    const result r = enter(true);
    if (r != OK)
        return r;
    if (attribute == 9 && value >= -1 &&
        value <= 100) /* PREFERRED_SHARED_MEMORY_CARVEOUT: a hint */
        return leave(OK);
    if (attribute != 8 || value < 0 ||
        (uint32_t)value + f->facts.shared_bytes > (uint32_t)it.shared_optin)
        return leave(INVALID_VALUE);
    f->dynamic_most = (uint32_t)value;
    return leave(OK);
}

static bool fits(const function *f, const ptx_launch *l)
{
    const uint64_t threads = (uint64_t)l->block[0] * l->block[1] * l->block[2];
    return threads <= 1024 && (f->facts.max_threads == 0 || threads <= f->facts.max_threads) &&
           l->shared_bytes <= f->dynamic_most;
}

static result f_cuLaunchKernel(function *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx,
                               unsigned by, unsigned bz, unsigned shared, void *handle, void **args,
                               void **extra)
{
    const result r = enter(true);
    if (r != OK)
        return r;
    work w = {.kind = DO_KERNEL, .f = f, .launch = {{gx, gy, gz}, {bx, by, bz}, shared, 0, 0}};
    if (extra != NULL || gx == 0 || gy == 0 || gz == 0 || bx == 0 || by == 0 || bz == 0 ||
        gy > 65535 || gz > 65535)
        return leave(INVALID_VALUE);
    if (!fits(f, &w.launch))
        return leave(LAUNCH_OUT_OF_RESOURCES);
    for (uint32_t i = 0; i < f->facts.n_params; i++) {
        const size_t end = f->facts.param[i].offset + f->facts.param[i].bytes;
        w.param_bytes = end > w.param_bytes ? end : w.param_bytes;
    }
    w.params = calloc(1, w.param_bytes + 1);
    if (w.params == NULL)
        return leave(OUT_OF_MEMORY);
    for (uint32_t i = 0; i < f->facts.n_params; i++)
        memcpy(w.params + f->facts.param[i].offset, args[i], f->facts.param[i].bytes);
    return leave(push(stream_of(handle), &w));
}

void *entry_of_modules(const char *name)
{
    static const entry all[] = {
        ENTRY(cuModuleLoadData),  ENTRY(cuModuleUnload),     ENTRY(cuModuleGetFunction),
        ENTRY(cuModuleGetGlobal), ENTRY(cuFuncGetParamInfo), ENTRY(cuFuncSetAttribute),
        ENTRY(cuLaunchKernel),
    };
    return entry_in(all, sizeof all / sizeof *all, name);
}
