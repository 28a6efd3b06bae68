/* SPDX-License-Identifier: Apache-2.0 */
/* weft/plugin.h: descriptor and entry: how a plugin introduces itself.
 *
 * Life: the manifest is read (no code runs) -> dlopen -> entry (handshake) -> init -> components'
 * create -> install -> load -> work -> destroy -> deinit. The library is never unloaded. */
#ifndef WEFT_PLUGIN_H
#define WEFT_PLUGIN_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_OPT_I64 1
#define WEFT_OPT_F64 2
#define WEFT_OPT_STR 3
#define WEFT_OPT_BOOL 4
#define WEFT_OPT_PACKAGE                                                                           \
    5 /* a second model directory; only the user's configuration may name it, and the host opens   \
         it */

/* An option in the plugin's section of the configuration ("[plugin ID]", --set ID.KEY=VALUE).
 * range: "min..max" for numbers, "a|b|c" for strings, NULL: any. `weights` and `device` are the
 * host's own keys of every plugin. */
typedef struct weft_option {
    const char *key;
    int32_t     type;
    uint32_t    flags;
    const char *dflt, *range, *doc;
} weft_option;

typedef struct weft_component {
    const char *kind; /* WEFT_C_* */
    const char *name;
    const void *vtable;
} weft_component;

typedef struct weft_descriptor {
    weft_hdr              hdr;
    const char           *id; /* "org.example.vision", unique for ever; equal to the manifest's */
    const char           *name, *version, *vendor, *license_spdx, *url;
    const char *const    *needs_host;    /* interfaces that must be there, NULL-terminated */
    const char *const    *needs_service; /* NULL, or NULL-terminated ids; services.h */
    const char *const    *gives_service;
    const weft_option    *options;
    const weft_component *components;
    uint32_t              n_options, n_components;
} weft_descriptor;

typedef struct weft_hello {
    weft_hdr    hdr;
    uint32_t    magic, abi_major, abi_minor, reserved;
    const char *host_name, *host_version;
} weft_hello;

typedef struct weft_plugin { /* in: what this host can hold; out: what was filled */
    weft_hdr               hdr;
    uint32_t               magic, abi_major, abi_minor, reserved;
    const weft_descriptor *desc;
    weft_status (*init)(const weft_host *h,
                        weft_error      *err); /* [setup] once per engine: no globals */
    void (*deinit)(const weft_host *h);   /* [setup] leaves nothing behind */
} weft_plugin;

/* The one exported symbol, written by WEFT_PLUGIN() in weft/sdk.h, never by hand. [setup] */
typedef weft_status (*weft_plugin_entry_fn)(const weft_hello *hello, weft_plugin *out,
                                            weft_error *err);
#define WEFT_ENTRY_SYMBOL "weft_plugin_entry"

/* The manifest is an ELF note (owner "WEFT", type 1) of "key=value\n" lines, found by program
 * headers and read without dlopen: id, version, abi, components, architectures, needs, gives, links
 * (comma-separated; DT_NEEDED beyond libc and libm must equal it). */
#define WEFT_NOTE_OWNER "WEFT"
#define WEFT_NOTE_TYPE 1u

#ifdef __cplusplus
}
#endif
#endif
