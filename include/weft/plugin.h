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
    weft_hdr    hdr;
    const char *key;
    int32_t     type;
    uint32_t    flags; /* 0 */
    const char *dflt, *range, *doc;
} weft_option;

/* One thing that the plugin offers: its kind (WEFT_C_*, or a third party's own), a name of its own
 * among the plugin's components, and the table of functions of that kind, which begins with a
 * weft_hdr. All three are required. */
typedef struct weft_component {
    weft_hdr    hdr;
    const char *kind;
    const char *name;
    const void *vtable;
} weft_component;

/* What the plugin is. Everything that it points to lives as long as the library. id and version are
 * required and equal to the manifest's; the other strings are for people and may be NULL. A plugin
 * without components gives a service at least. */

typedef struct weft_descriptor {
    weft_hdr              hdr;
    const char           *id; /* "org.example.vision", unique for ever; equal to the manifest's */
    const char           *name, *version, *vendor, *license_spdx, *url;
    const char *const    *needs_host; /* NULL, or ids of interfaces that must be there, and NULL */
    const char *const    *needs_service; /* NULL, or ids and NULL; services.h */
    const char *const    *gives_service; /* the same */
    const weft_option    *options;       /* [n_options], walked by WEFT_AT; NULL: none */
    const weft_component *components;    /* [n_components], walked by WEFT_AT; NULL: none */
    uint32_t              n_options, n_components;
} weft_descriptor;

typedef struct weft_hello {
    weft_hdr    hdr;
    uint32_t    magic, abi_major, abi_minor, reserved;
    const char *host_name, *host_version;
} weft_hello;

/* What entry fills. On entry it is zero but for hdr.size, which says how much this host can hold; a
 * plugin fills the part that it knows and sets hdr.size to that. */
typedef struct weft_plugin {
    weft_hdr               hdr;
    uint32_t               magic, abi_major, abi_minor, reserved;
    const weft_descriptor *desc; /* required */
    /* Once for each engine, which is why state belongs into h->slot and not into globals. On
     * failure nothing is left behind, and deinit is not called. NULL: there is nothing to do.
     * [setup] */
    weft_status (*init)(const weft_host *h, weft_error *err);
    /* After the components of this engine were destroyed. Leaves nothing behind. NULL: there is
     * nothing to do. [setup] */
    void (*deinit)(const weft_host *h);
} weft_plugin;

/* The one exported symbol, written by WEFT_PLUGIN() in weft/sdk.h, never by hand. [setup] */
typedef weft_status (*weft_plugin_entry_fn)(const weft_hello *hello, weft_plugin *out,
                                            weft_error *err);
#define WEFT_ENTRY_SYMBOL "weft_plugin_entry"

/* The manifest is an ELF note (owner "WEFT", type 1) of "key=value\n" lines, found by program
 * headers and read without dlopen. Lists are separated by commas.
 *   id, version, abi   written by WEFT_PLUGIN()
 *   components         "decoder:png": kind and name of each, in any order
 *   architectures      values of config.json's "architectures" that the plugin claims
 *   needs, gives       services, as in the descriptor
 *   links              DT_NEEDED beyond libc and libm, which must equal it
 *   kinds              of media that its decoders give ("image"); absent: perhaps any
 *   magic              bytes that files of its decoders have, each "OFFSET:HEX" ("0:89504e47",
 *                      "4:66747970"), where "." in place of a hex digit is any. The plugin is
 *                      opened for a file that has one of them, and for others only where no decoder
 *                      that was opened so knows the file well (by its content, and as a kind that
 *                      the model takes); absent: it is opened for every file */
#define WEFT_NOTE_OWNER "WEFT"
#define WEFT_NOTE_TYPE 1u

#ifdef __cplusplus
}
#endif
#endif
