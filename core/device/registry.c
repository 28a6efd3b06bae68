/* SPDX-License-Identifier: Apache-2.0 */
/* Devices by name. */
#include "core/device/registry.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/device/builtin.h"

#define PATH_CAP 4352 /* a directory and a file name */

typedef weft_status (*create_fn)(const wf_device_config *c, wf_device **out, weft_error *err);

static weft_status create_cpu(const wf_device_config *c, wf_device **out, weft_error *err)
{
    return wf_device_cpu_create(c->pool, c->cpu_flags, out, err);
}

/* In the order of the list. create NULL: a module. */
static const struct known {
    const char *name;
    create_fn   create;
} known[] = {{"cpu", create_cpu}, {"cuda", NULL}, {"async-test", wf_device_test_create}};

#define N_KNOWN (sizeof known / sizeof known[0])

/* Is it of this build? */
static weft_status check_module(const wf_device_module *m, const char *name, const char *path,
                                weft_error *err)
{
    if (m == NULL || m->version != WF_DEVICE_MODULE_VERSION)
        return wf_fail(err, WEFT_E_VERSION, "%s is no device module of version %d", path,
                       WF_DEVICE_MODULE_VERSION);
    if (m->op_bytes != sizeof(wf_op) || m->fns_bytes != sizeof(wf_device_fns) || m->build == NULL ||
        strcmp(m->build, WEFT_VERSION) != 0)
        return wf_fail(err, WEFT_E_VERSION,
                       "%s was built with weft %s and not with this %s; install the two together",
                       path, m->build != NULL ? m->build : "of no version", WEFT_VERSION);
    if (m->seam == NULL || strcmp(m->seam, WEFT_SEAM) != 0)
        return wf_fail(err, WEFT_E_VERSION,
                       "%s is left over from another build of weft %s; install the two together",
                       path, m->build);
    if (m->name == NULL || strcmp(m->name, name) != 0 || m->create == NULL)
        return wf_fail(err, WEFT_E_VERSION, "%s is no module of the device %s", path, name);
    return WEFT_OK;
}

/* The module's table; its library stays open, since what it made may outlive any one engine. */
static weft_status open_module(const char *name, const wf_device_config *c,
                               const wf_device_module **out, weft_error *err)
{
    char                path[PATH_CAP];
    wf_device_module_fn table;
    if (c->module_dir == NULL)
        return wf_fail(err, WEFT_E_NOTFOUND, "there is no folder of device modules");
    int n = snprintf(path, sizeof path, "%s/libweft-%s.so", c->module_dir, name);
    if (n < 0 || (size_t)n >= sizeof path || access(path, F_OK) != 0)
        return wf_fail(err, WEFT_E_NOTFOUND,
                       "device %s: %s/libweft-%s.so is not installed; it is the package "
                       "weft-%s, or is built where its compiler is found (docs/BUILDING.md)",
                       name, c->module_dir, name, name);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return wf_fail(err, WEFT_E_UNSUPPORTED, "device %s: %s", name, dlerror());
    *(void **)&table = dlsym(library, WF_DEVICE_MODULE_SYMBOL);
    if (table == NULL)
        return wf_fail(err, WEFT_E_VERSION, "%s is no device module: it has no %s", path,
                       WF_DEVICE_MODULE_SYMBOL);
    *out = table();
    return check_module(*out, name, path, err);
}

/* NOTFOUND: the module is not installed. Whatever else a module says is the device's failure. */
static weft_status open_known(const struct known *k, const wf_device_config *c, wf_device **out,
                              weft_error *err)
{
    const wf_device_module *m = NULL;
    weft_error              why = WF_ERROR_INIT;
    if (k->create != NULL)
        return k->create(c, out, err);
    weft_status status = open_module(k->name, c, &m, &why);
    if (status == WEFT_OK && (status = m->create(c, 0, out, &why)) == WEFT_OK)
        return WEFT_OK;
    if (status != WEFT_E_NOTFOUND && status != WEFT_E_NOMEM)
        status = WEFT_E_DEVICE;
    return wf_fail(err, status, "%s", why.message);
}

/* The first module that is fit. A module that is not installed is nothing to speak of. */
static weft_status open_auto(const wf_device_config *c, wf_device **out, weft_error *err)
{
    for (size_t i = 0; i < N_KNOWN; i++) {
        weft_error  why = WF_ERROR_INIT;
        weft_status status = WEFT_E_NOTFOUND;
        if (known[i].create == NULL)
            status = open_known(&known[i], c, out, &why);
        if (status == WEFT_OK && c->log != NULL)
            c->log(WEFT_LOG_INFO, "the device %s is used", (*out)->name);
        if (status == WEFT_OK)
            return WEFT_OK;
        if (status != WEFT_E_NOTFOUND && c->log != NULL)
            c->log(WEFT_LOG_INFO, "the CPU is used: %s", why.message);
    }
    return create_cpu(c, out, err);
}

weft_status wf_device_open(const char *name, const wf_device_config *c, wf_device **out,
                           weft_error *err)
{
    *out = NULL;
    if (strcmp(name, "auto") == 0)
        return open_auto(c, out, err);
    for (size_t i = 0; i < N_KNOWN; i++) {
        if (strcmp(known[i].name, name) != 0)
            continue;
        weft_status status = open_known(&known[i], c, out, err);
        if (status == WEFT_E_NOTFOUND && WEFT_HAS(err, weft_error, code))
            err->code = WEFT_E_DEVICE;
        return status == WEFT_E_NOTFOUND ? WEFT_E_DEVICE : status;
    }
    return wf_fail(err, WEFT_E_INVALID, "there is no device %s; known are %s", name,
                   WF_DEVICE_NAMES);
}

bool wf_device_at(uint32_t index, const wf_device_config *c, wf_device_info *out)
{
    wf_device *d = NULL;
    if (index >= N_KNOWN)
        return false;
    *out = (wf_device_info){.name = known[index].name, .why = WF_ERROR_INIT};
    out->usable = open_known(&known[index], c, &d, &out->why) == WEFT_OK;
    if (d != NULL)
        (void)wf_device_memory(d, &out->free_bytes, &out->total_bytes, NULL);
    wf_device_destroy(&d);
    return true;
}

const char *wf_device_auto(const wf_device_config *c)
{
    wf_device_info info;
    for (uint32_t i = 0; i < N_KNOWN; i++)
        if (known[i].create == NULL && wf_device_at(i, c, &info) && info.usable)
            return info.name;
    return "cpu";
}
