/* SPDX-License-Identifier: Apache-2.0 */
/* The options and their values. There is one table of the core's options, and each plugin declares
 * options of its own. For each value it is known where it came from: its origin. A value of a
 * higher *layer* wins: command line > environment (WEFT_*) > --config FILE > user file > system
 * file > default.
 *
 * Values of the core are checked when they are given. Values of a plugin are checked when the
 * plugin is loaded, because only then its options are known. So reading a value cannot fail.
 * Failures are of stage WEFT_STAGE_USAGE and name the place of the value.
 *
 * One thread uses the settings, and nothing may be set while an engine that was opened with them
 * lives. */
#ifndef WF_SETTINGS_H
#define WF_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"
#include "weft/plugin.h"

typedef struct weft_settings weft_settings;

/* Layers, lowest first. */
enum wf_layer {
    WF_LAYER_DEFAULT,
    WF_LAYER_SYSTEM, /* /etc/weft/weft.ini */
    WF_LAYER_USER,   /* $XDG_CONFIG_HOME/weft/weft.ini */
    WF_LAYER_FILE,   /* --config FILE */
    WF_LAYER_ENV,    /* WEFT_KEY */
    WF_LAYER_CLI,
    WF_LAYERS
};

#define WF_OPT_PATH 1u /* a path: in an INI file relative to that file */
/* May be given several times, and all values count. In a file or variable ':' separates values. */
#define WF_OPT_LIST 2u
#define WF_OPT_BYTES 4u  /* a whole number that may end in K, M or G (powers of 1024) */
#define WF_OPT_HIDDEN 8u /* works, but --help does not show it */

/* An option of the core. Its long option is "--" key with '-' for '_'; its variable is WEFT_ and
 * the key in capitals; in an INI file it stands in [core] with either spelling. */
typedef struct wf_core_option {
    const char *key;
    char        letter; /* short option, or 0 */
    int32_t     type;   /* WEFT_OPT_*; a BOOL takes no argument on the command line */
    uint32_t    flags;  /* WF_OPT_* */
    const char *dflt;   /* NULL: unset */
    const char *range;  /* as weft_option.range */
    const char *arg;    /* the argument's name in --help, NULL for BOOL */
    const char *doc;    /* one line for --help */
} wf_core_option;

extern const wf_core_option wf_core_options[];
extern const size_t         wf_n_core_options;

/* The option of that key, in which '-' and '_' are the same; NULL where there is none. [any] */
const wf_core_option *wf_core_option_find(const char *key);

/* On failure *out is NULL. */
weft_status wf_settings_create(weft_settings **out, weft_error *err);
void        wf_settings_destroy(weft_settings **s); /* NULL inside is fine */

/* Reads the files and the environment: the system file and the user file where they exist, `config`
 * unless it is NULL (NOTFOUND where it does not exist), and then the WEFT_* variables. A program
 * with raised privileges reads neither the user file nor the environment. */
weft_status wf_settings_load(weft_settings *s, const char *config, weft_error *err);
/* One INI file as one layer: sections [core] and [plugin ID]. */
weft_status wf_settings_load_ini(weft_settings *s, const char *path, int32_t layer,
                                 weft_error *err);
weft_status wf_settings_load_env(weft_settings *s, weft_error *err);

/* Sets one value of the core. key may be spelled with '-' or '_'. origin is for messages, such as
 * "--threads", and is copied. INVALID for an unknown key, with the nearest one in the message, or
 * for a value out of range. A second value for the same key and layer replaces the first. */
weft_status wf_settings_set(weft_settings *s, const char *key, const char *value, int32_t layer,
                            const char *origin, weft_error *err);
/* "PLUGIN.KEY=VALUE", split at the first '=' and the last '.' before it; "core.KEY=VALUE" is the
 * core's. Paths are relative to the working directory. */
weft_status wf_settings_set_pair(weft_settings *s, const char *pair, int32_t layer,
                                 const char *origin, weft_error *err);
weft_status wf_settings_set_plugin(weft_settings *s, const char *plugin, const char *key,
                                   const char *value, int32_t layer, const char *origin,
                                   weft_error *err);

/* The values of the core. An unknown key is a programmer's mistake and reads as 0 or NULL. i64 also
 * reads options of type BOOL, as 0 or 1. str gives NULL where nothing is set; its text lives as
 * long as the settings. [any] */
int64_t     wf_settings_i64(const weft_settings *s, const char *key);
double      wf_settings_f64(const weft_settings *s, const char *key);
bool        wf_settings_bool(const weft_settings *s, const char *key);
const char *wf_settings_str(const weft_settings *s, const char *key);
/* Value `index` of a LIST option over all layers, highest first; NULL: no more. */
const char *wf_settings_item(const weft_settings *s, const char *key, size_t index);
/* The layer that the value comes from; WF_LAYER_DEFAULT where nobody gave one. */
int32_t wf_settings_layer(const weft_settings *s, const char *key);

/* Plugin `index` of those that any layer names in a section or a PLUGIN.KEY=VALUE, sorted; NULL: no
 * more. */
const char *wf_settings_plugin(const weft_settings *s, size_t index);
/* The declared option of a plugin, or the host's own `weights` and `device`; NULL: not known. */
const weft_option *wf_settings_plugin_option(const weft_settings *s, const char *plugin,
                                             const char *key);
/* The value of a plugin's key as text; NULL where it was not given. The keys "weights" (a path) and
 * "device" are the host's own and exist for every plugin. Once a plugin's options are declared, the
 * declared defaults count as given. */
const char *wf_settings_plugin_str(const weft_settings *s, const char *plugin, const char *key);
int64_t     wf_settings_plugin_i64(const weft_settings *s, const char *plugin, const char *key);
double      wf_settings_plugin_f64(const weft_settings *s, const char *plugin, const char *key);
/* Makes the plugin's options known and checks the values given for them. INVALID, of stage USAGE,
 * where a given key is not declared or its value does not fit; INVALID, of stage PLUGIN, where the
 * declaration itself is broken. The table must live as long as the settings. Declaring again
 * replaces it. */
weft_status wf_settings_declare(weft_settings *s, const char *plugin, const weft_option *options,
                                uint32_t n, weft_error *err);

/* Checks the `device` that each plugin was given against that of the engine, which all plugins
 * share. It may be "auto" or the same name. Anything else is INVALID, of stage USAGE, and the
 * message names what is possible. */
weft_status wf_settings_plugin_devices(const weft_settings *s, const char *device, weft_error *err);

/* Calls fn with every value in force, for --print-config: first the core's, in the order of the
 * table, and then the plugins'. value is NULL where nothing is set. origin is "default", or the
 * place of the value, such as "weft.ini:3", "WEFT_THREADS" or "--threads". */
typedef void (*wf_settings_fn)(void *ctx, const char *section, const char *key, const char *value,
                               const char *origin);
void wf_settings_each(const weft_settings *s, wf_settings_fn fn, void *ctx);

#endif
