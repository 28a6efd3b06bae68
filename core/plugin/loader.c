/* SPDX-License-Identifier: Apache-2.0 */
/* One library from file to running plugin: opened by its resolved path and held against the file
 * whose manifest was read, greeted, checked, started.
 *
 * RTLD_NOW finds missing symbols here and not at the first call; NODELETE because unloading foreign
 * code is not safe (threads, thread-local storage, atexit handlers that live in it). */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/plugin/loaded.h"
#include "core/plugin/visit.h"

#define CANARY 0x5a
#define CANARY_SIZE 128

static weft_status check_identity(const wf_found *f, weft_error *err)
{
    struct stat st;
    if (stat(f->path, &st) != 0 || st.st_dev != f->dev || st.st_ino != f->ino)
        return wf_fail(err, WEFT_E_INVALID,
                       "%s: the file was replaced while it was being loaded; refused", f->path);
    return WEFT_OK;
}

/* dlerror() begins with the path that we say anyway. */
static const char *why_not(const char *path)
{
    const char *text = dlerror();
    size_t      n = strlen(path);
    if (text == NULL)
        return "no reason given";
    if (strncmp(text, path, n) == 0)
        text += n + strspn(text + n, ": ");
    return text;
}

static weft_status open_library(const wf_found *f, void **library, weft_error *err)
{
    weft_status st = check_identity(f, err);
    if (st != WEFT_OK)
        return st;
    *library = dlopen(f->path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (*library == NULL)
        return wf_fail(err, WEFT_E_NOTFOUND, "%s: cannot be loaded: %.300s", f->path,
                       why_not(f->path));
    return check_identity(f, err);
}

/* What entry may fill, and what it may not. */
typedef struct answer {
    weft_plugin plugin;
    uint8_t     beyond[CANARY_SIZE];
} answer;

static weft_status check_answer(const answer *a, const char *path, weft_error *err)
{
    const weft_plugin *p = &a->plugin;
    for (size_t i = 0; i < CANARY_SIZE; i++)
        if (a->beyond[i] != CANARY)
            return wf_fail(
                err, WEFT_E_INVALID,
                "%s: its entry wrote past the end of weft_plugin; write it with WEFT_PLUGIN()",
                path);
    if (!WEFT_HAS(p, weft_plugin, deinit))
        return wf_fail(
            err, WEFT_E_VERSION,
            "%s: its entry filled %u bytes of weft_plugin where this ABI has %zu; rebuild it", path,
            p->hdr.size, WEFT_UPTO(weft_plugin, deinit));
    if (p->hdr.size > sizeof *p)
        return wf_fail(err, WEFT_E_INVALID, "%s: its entry claims to have filled %u bytes of %zu",
                       path, p->hdr.size, sizeof *p);
    if (p->magic != WEFT_MAGIC ||
        !wf_abi_accepts(p->abi_major, p->abi_minor, WEFT_ABI_MAJOR, WEFT_ABI_MINOR))
        return wf_fail(err, WEFT_E_VERSION,
                       "%s: its entry answers for plugin ABI %u.%u, and this is %d.%d", path,
                       p->abi_major, p->abi_minor, WEFT_ABI_MAJOR, WEFT_ABI_MINOR);
    return WEFT_OK;
}

static weft_status greet(const wf_found *f, void *library, weft_plugin *out, weft_error *err)
{
    weft_plugin_entry_fn entry;
    weft_error           why = WF_ERROR_INIT;
    answer               a;
    weft_hello hello = {WEFT_HDR(weft_hello), WEFT_MAGIC, WEFT_ABI_MAJOR, WEFT_ABI_MINOR, 0, "weft",
                        WEFT_VERSION};
    void      *symbol = dlsym(library, WEFT_ENTRY_SYMBOL);
    weft_status st;
    if (symbol == NULL)
        return wf_fail(err, WEFT_E_INVALID,
                       "%s: does not export " WEFT_ENTRY_SYMBOL "; use WEFT_PLUGIN()", f->path);
    memcpy(&entry, &symbol, sizeof entry); /* ISO C has no cast from data to function */
    memset(&a, 0, sizeof a);
    memset(a.beyond, CANARY, sizeof a.beyond);
    a.plugin.hdr.size = (uint32_t)sizeof a.plugin;
    st = entry(&hello, &a.plugin, &why);
    why.message[sizeof why.message - 1] = '\0';
    if (st != WEFT_OK)
        return wf_fail(err, st, "%s: refused this host: %.300s", f->path, why.message);
    st = check_answer(&a, f->path, err);
    *out = a.plugin;
    return st;
}

static weft_status make(const wf_registry_config *cfg, const wf_found *f, void *library,
                        const weft_plugin *filled, wf_plugin **out, weft_error *err)
{
    wf_plugin *p = wf_zalloc(sizeof *p);
    *out = p;
    if (p == NULL)
        return wf_fail_nomem(err, sizeof *p, "a plugin");
    p->library = library;
    p->desc = filled->desc;
    p->init = filled->init;
    p->deinit = filled->deinit;
    p->maker = cfg->hosts;
    p->id = wf_strdup(f->manifest.id);
    p->version = wf_strdup(f->manifest.version);
    p->path = wf_strdup(f->path);
    if (p->id == NULL || p->version == NULL || p->path == NULL)
        return wf_fail_nomem(err, 1, "a plugin");
    return p->maker.make(p->maker.ctx, p->id, p->desc, &p->host, err);
}

static void drop(wf_plugin *p)
{
    if (p == NULL)
        return;
    if (p->host != NULL)
        p->maker.clear(p->maker.ctx, p->host, p->path);
    wf_free(p->id);
    wf_free(p->version);
    wf_free(p->path);
    wf_free(p);
}

static weft_status start(wf_plugin *p, weft_error *err)
{
    wf_visit v;
    if (p->init == NULL)
        return WEFT_OK;
    wf_visit_begin(&v, p, "init", p->path, 0);
    return wf_visit_end(&v, p->init(p->host, &v.why), err);
}

/* A value of the user's that does not fit says where it stands; the plugin's own mistake names its
 * file. */
static weft_status declare(weft_settings *settings, const wf_found *f, const weft_descriptor *d,
                           weft_error *err)
{
    weft_error  why = WF_ERROR_INIT;
    weft_status st = wf_settings_declare(settings, f->manifest.id, d->options, d->n_options, &why);
    if (st == WEFT_OK)
        return WEFT_OK;
    bool users = why.stage == WEFT_STAGE_USAGE;
    return wf_fail_stage(
        err, wf_fail(err, st, "%s%s%s", users ? "" : f->path, users ? "" : ": ", why.message),
        why.stage);
}

/* Everything that may run code of the plugin, within the guard. */
static weft_status bring_up(const wf_registry_config *cfg, wf_found *f, wf_plugin **out,
                            weft_error *err)
{
    void       *library = NULL;
    weft_plugin filled = {.desc = NULL};
    weft_status st = open_library(f, &library, err);
    if (st == WEFT_OK)
        st = greet(f, library, &filled, err);
    if (st == WEFT_OK)
        st = wf_descriptor_check(filled.desc, &f->manifest, cfg->hosts.serves, f->path, err);
    if (st == WEFT_OK)
        st = declare(cfg->settings, f, filled.desc, err);
    if (st == WEFT_OK)
        f->desc = filled.desc;
    if (st == WEFT_OK)
        st = make(cfg, f, library, &filled, out, err);
    if (st == WEFT_OK)
        st = start(*out, err);
    if (st != WEFT_OK) {
        drop(*out);
        *out = NULL;
    }
    return st;
}

/* marks: what was put back already, before init. */
static void report_changes(wf_found *f, uint32_t marks, const char *changed)
{
    char        line[512];
    const char *fpu = wf_changed_fpu(marks);
    if (fpu == NULL && changed[0] == '\0')
        return;
    snprintf(
        line, sizeof line,
        "%s: plugin %s changed %s%s%s while it was loaded; that was put back, but tell its author",
        f->path, f->manifest.id, fpu != NULL ? fpu : "",
        fpu != NULL && changed[0] != '\0' ? ", " : "", changed);
    wf_log(WEFT_LOG_WARN, "%s", line);
    wf_found_warn(f, line);
}

/* While its constructors and its entry run there is no record of the plugin: the manifest's id
 * speaks for it. */
weft_status wf_plugin_open(const wf_registry_config *cfg, wf_found *f, wf_plugin **out,
                           weft_error *err)
{
    char        changed[200];
    wf_guard   *guard = wf_guard_take();
    wf_running  running = {f->manifest.id, "loading", f->path, wf_fpu_read(), 0};
    weft_status st;
    *out = NULL;
    if (guard == NULL)
        return wf_fail_nomem(err, 1, "loading a plugin");
    if (f->reason != NULL)
        wf_log(WEFT_LOG_WARN, "%s", f->reason);
    wf_running *before = wf_running_set(&running);
    st = bring_up(cfg, f, out, err);
    wf_running_set(before);
    wf_guard_restore(guard, changed, sizeof changed);
    report_changes(f, atomic_load(&running.marks), changed);
    return st;
}

void wf_plugin_close(wf_plugin *p)
{
    wf_visit v;
    if (p == NULL)
        return;
    if (p->deinit != NULL) {
        wf_visit_begin(&v, p, "deinit", NULL, WF_VISIT_SETUP);
        p->deinit(p->host);
        (void)wf_visit_end(&v, WEFT_OK, NULL);
    }
    drop(p);
}
