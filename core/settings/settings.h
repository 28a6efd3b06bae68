/* SPDX-License-Identifier: Apache-2.0 */
/* The options: one table of the core's, the declared ones of each plugin, and where each value came
 * from. Precedence: command line > environment (WEFT_*) > --config FILE > user file > system file >
 * default.
 *
 * Values are checked when they are given (core) or when the plugin that declares them loads
 * (plugins), so that reading one cannot fail. Failures carry WEFT_STAGE_USAGE and name the place.
 * One thread; nothing may be set while an engine that was opened with the settings lives. */
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
#define WF_OPT_LIST                                                                                \
    2u /* may be given again: all values count; in INI and environment split at ':' */
#define WF_OPT_BYTES 4u  /* a whole number that may end in K, M or G (1024s) */
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

/* The option of that key, '-' and '_' being one; NULL: none. [any] */
const wf_core_option *wf_core_option_find(const char *key);

/* On failure *out is NULL. */
weft_status wf_settings_create(weft_settings **out, weft_error *err);
void        wf_settings_destroy(weft_settings **s); /* NULL inside is fine */

/* The files and the environment: the system file and the user file where they exist, `config` where
 * not NULL (NOTFOUND: it does not exist), then WEFT_* variables. A program with raised privileges
 * reads neither user file nor environment. */
weft_status wf_settings_load(weft_settings *s, const char *config, weft_error *err);
/* One INI file as one layer: sections [core] and [plugin ID]. */
weft_status wf_settings_load_ini(weft_settings *s, const char *path, int32_t layer,
                                 weft_error *err);
weft_status wf_settings_load_env(weft_settings *s, weft_error *err);

/* One value of the core; key in either spelling. origin is for messages ("--threads"); copied.
 * INVALID with "did you mean" for an unknown key, or the accepted range. Given again in one layer
 * it replaces. */
weft_status wf_settings_set(weft_settings *s, const char *key, const char *value, int32_t layer,
                            const char *origin, weft_error *err);
/* "PLUGIN.KEY=VALUE", split at the first '=' and the last '.' before it; "core.KEY=VALUE" is the
 * core's. Paths are relative to the working directory. */
weft_status wf_settings_set_pair(weft_settings *s, const char *pair, int32_t layer,
                                 const char *origin, weft_error *err);
weft_status wf_settings_set_plugin(weft_settings *s, const char *plugin, const char *key,
                                   const char *value, int32_t layer, const char *origin,
                                   weft_error *err);

/* The core's values; a programmer's typo in key reads as 0 or NULL. i64 also reads BOOL (0 or 1).
 * str: NULL where unset; lives as long as the settings. [any] */
int64_t     wf_settings_i64(const weft_settings *s, const char *key);
double      wf_settings_f64(const weft_settings *s, const char *key);
bool        wf_settings_bool(const weft_settings *s, const char *key);
const char *wf_settings_str(const weft_settings *s, const char *key);
/* Value `index` of a LIST option over all layers, highest first; NULL: no more. */
const char *wf_settings_item(const weft_settings *s, const char *key, size_t index);
/* Was it given anywhere above the default? The layer that decided it. */
int32_t wf_settings_layer(const weft_settings *s, const char *key);

/* The plugins that some layer names in a section or a pair, sorted; NULL: no more. */
const char *wf_settings_plugin(const weft_settings *s, size_t index);
/* The value of the host's own key of every plugin ("weights": a path, "device"), or of any other
 * as text; NULL: not given (declared defaults included once declared). */
const char *wf_settings_plugin_str(const weft_settings *s, const char *plugin, const char *key);
int64_t     wf_settings_plugin_i64(const weft_settings *s, const char *plugin, const char *key);
double      wf_settings_plugin_f64(const weft_settings *s, const char *plugin, const char *key);
/* Makes the plugin's options known: INVALID where a given key is not declared or its value does not
 * fit (USAGE), or where the declaration itself is broken (stage PLUGIN). The table is borrowed for
 * the life of the settings; declaring again replaces it. */
weft_status wf_settings_declare(weft_settings *s, const char *plugin, const weft_option *options,
                                uint32_t n, weft_error *err);

/* Every plugin's own `device` against that of the engine, which all plugins share: "auto" or the
 * same name; anything else is INVALID (USAGE) and names what is possible. */
weft_status wf_settings_plugin_devices(const weft_settings *s, const char *device, weft_error *err);

/* Every effective value for --print-config: the core's in table order, then the plugins'. value
 * NULL: unset. origin: "default", "weft.ini:3", "WEFT_THREADS", "--threads". */
typedef void (*wf_settings_fn)(void *ctx, const char *section, const char *key, const char *value,
                               const char *origin);
void wf_settings_each(const weft_settings *s, wf_settings_fn fn, void *ctx);

#endif
