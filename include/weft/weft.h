/* SPDX-License-Identifier: Apache-2.0 */
/* weft.h: for programs that embed weft: settings, engine, media items, sequences, generation.
 *
 * Threads. Everything of one engine is called from one thread at a time, except
 * weft_engine_cancel(), which any thread may call. Two engines in one process are independent.
 * Callbacks run on the calling thread. Sizes. A struct that begins with a weft_hdr has its size set
 * by whoever owns its memory (WEFT_HDR): of what a program gives, no byte beyond it is read, and
 * what is not there counts as zero; of what a program gets, as much is filled as fits. Ownership. A
 * create or open hands the object to the caller until its destroy or close; on failure *out is NULL
 * and nothing stays open. Strings given out live as long as the object they came from. Every err
 * may be NULL. */
#ifndef WEFT_H
#define WEFT_H

#include "base.h"
#include "plugin.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default) /* what libweft.so exports */

const char *weft_version(void); /* "0.1.0" */

/* Every message of the library; without it the library is silent. Before any other call. */
typedef void (*weft_log_fn)(void *ctx, int32_t level, const char *utf8);
void weft_set_log(weft_log_fn fn, void *ctx);
/* Within the callback: the media file that the message is about, by the path that was given to the
 * library ("standard input" for "-"), so that a program which works on several can put it to the
 * right one. NULL: it is about none, or about several that are encoded together. The string is
 * valid until the callback returns. */
const char *weft_log_file(void);

/* The exit code that a failure means (docs/CLI.md): 1 unexpected, 2 usage, 3 media, 4 model, 5
 * plugin, 6 memory or device, 7 limit, 8 numeric, 9 a comparison, 130 cancelled. */
int32_t     weft_exit_code(const weft_error *err);
const char *weft_status_name(weft_status s); /* "CORRUPT" */

/* "Did you mean": the one of n known names that is nearest to `name`, or NULL where none is near
 * enough to have been meant: by one edit of a byte, and one more for every four bytes of the name;
 * three bytes or more that begin a known name are one edit from it, and '-' is '_'. The result is
 * one of the pointers in `known`. Any thread. */
const char *weft_nearest(const char *name, const char *const *known, uint32_t n);

/* ---- settings: options by layer, each with where it came from ---- */

typedef struct weft_settings weft_settings;

#define WEFT_OPTION_PATH 1u
#define WEFT_OPTION_LIST 2u  /* may be given several times */
#define WEFT_OPTION_BYTES 4u /* a whole number that may end in K, M or G */
#define WEFT_OPTION_HIDDEN 8u

/* An option of the engine: its long option is "--" key with '-' for '_', its variable WEFT_KEY. */
typedef struct weft_option_info {
    const char *key;
    int32_t     letter; /* short option, or 0 */
    int32_t     type;   /* WEFT_OPT_*; BOOL takes no argument */
    uint32_t    flags;
    const char *dflt, *range, *arg, *doc;
} weft_option_info;
/* The index-th option; 0 past the end. */
int32_t weft_option_at(uint32_t index, weft_option_info *out);

/* What the option of this key is, in a section as weft_settings_each tells it: "core", or the id of
 * a plugin. Besides weights and device, which every plugin has, a plugin's are known while an
 * engine that loads it is open with these settings. The flag PATH says that the value names files.
 * *out points into the library, or into the plugin until that engine is closed. 0: there is none,
 * or it is not known; *out is as it was. */
int32_t weft_settings_option(const weft_settings *s, const char *section, const char *key,
                             weft_option_info *out);

weft_status weft_settings_create(weft_settings **out, weft_error *err);
void        weft_settings_destroy(weft_settings **s);
/* Environment and files: system, user, and config (may be NULL). Call once. */
weft_status weft_settings_load(weft_settings *s, const char *config, weft_error *err);
/* As on the command line: key in either spelling; origin ("--threads") is for messages. */
weft_status weft_settings_set(weft_settings *s, const char *key, const char *value,
                              const char *origin, weft_error *err);
/* "PLUGIN.KEY=VALUE" as --set takes it. */
weft_status weft_settings_set_pair(weft_settings *s, const char *pair, weft_error *err);
const char *weft_settings_str(const weft_settings *s, const char *key); /* NULL: unset */
int64_t     weft_settings_i64(const weft_settings *s, const char *key); /* BOOL: 0 or 1 */
double      weft_settings_f64(const weft_settings *s, const char *key);
typedef void (*weft_settings_fn)(void *ctx, const char *section, const char *key, const char *value,
                                 const char *origin);
void weft_settings_each(const weft_settings *s, weft_settings_fn fn,
                        void *ctx); /* value NULL: unset */

/* A device that this library knows ("cpu"; "cuda", where libweft-cuda.so is installed). */
typedef struct weft_device_info {
    weft_hdr    hdr;
    const char *name;
    int32_t     usable, chosen;          /* chosen: what the settings' `device` comes to here */
    uint64_t    free_bytes, total_bytes; /* of its memory; 0: unknown */
    char        why[496];                /* not usable: one sentence, else "" */
} weft_device_info;
/* The index-th device, opened for a moment to ask it; 0: no more. */
int32_t weft_device_at(const weft_settings *s, uint32_t index, weft_device_info *out);

/* How the CPU runs a family of ops: "linear bf16" at the level "avx512bf16". */
typedef struct weft_path_info {
    weft_hdr    hdr;
    const char *family, *isa; /* isa: a name that the option of that name takes */
    char        why[160];     /* what made it so, in half a sentence */
} weft_path_info;
/* The index-th family, as the settings' cpu_mask and isa have it on this machine: 1 and *out. 0:
 * there are no more, with err->code OK; or UNSUPPORTED: isa is not to be had. */
int32_t weft_path_at(const weft_settings *s, uint32_t index, weft_path_info *out, weft_error *err);

/* ---- engine ---- */

typedef struct weft_engine weft_engine;

#define WEFT_OPEN_CONFIG 1u /* config.json only, no weights: plan, preprocess, inspect */
#define WEFT_OPEN_TOKENIZER                                                                        \
    2u /* the tokenizer only: the directory may lack weights and even config.json */
#define WEFT_OPEN_NO_CORE                                                                          \
    4u /* a directory without a text core is fine: its encoder alone can be verified */
#define WEFT_OPEN_CHAT                                                                             \
    8u /* a model without a chat format fails, as weft_engine_can_chat says, before weights are    \
        * read                                                                                     \
        */
/* For text alone: the weights of encoders and of their layers in the text core are not read, where
 * no text runs through them, and weft_item_open and recordings fail (STATE). */
#define WEFT_OPEN_TEXT 16u

/* What takes time says so: done of total (total 0: unknown) in unit ("weights", "bytes"; "prefill",
 * "tokens"). */
typedef struct weft_progress {
    void (*fn)(void *ctx, const char *what, uint64_t done, uint64_t total, const char *unit);
    void *ctx;
} weft_progress;

/* settings is borrowed until close; progress (may be NULL) is copied. */
weft_status weft_engine_open(weft_settings *settings, uint32_t flags, const weft_progress *progress,
                             weft_engine **out, weft_error *err);
void        weft_engine_close(weft_engine **e); /* its items and sequences must be gone */
/* Makes the call in progress, with all that it calls in turn, return CANCELLED soon. Calls that
 * begin later are not touched. Any thread, and signal handlers. */
void weft_engine_cancel(weft_engine *e);

typedef struct weft_engine_info {
    weft_hdr    hdr;
    const char *model, *architecture; /* directory; config.json's architectures[0] */
    const char *dtype, *kv_dtype, *device, *isa;
    int32_t     n_threads, context;
    int32_t     n_layers, d_model, d_ffn, n_heads, n_kv_heads, head_dim, vocab, max_positions;
    int32_t     tied, n_sites;
    /* Parameters of the text core, of the plugins' cross-attention layers, and of their encoders.
     */
    uint64_t core_parameters, site_parameters, encoder_parameters;
    /* Bytes: all weights as held; K/V of `context` tokens; buffers of a step. Computed, not
     * measured. */
    uint64_t weight_bytes, kv_bytes, step_bytes, total_bytes;
} weft_engine_info;
weft_status weft_engine_describe(const weft_engine *e, weft_engine_info *out, weft_error *err);
/* What the model can do. All may be asked of an engine without weights, and a failure says why not.
 * Media of a kind ("image", "audio", "video"): *plugin is the one that takes them, or NULL. */
weft_status weft_engine_takes(weft_engine *e, const char *kind, const char **plugin,
                              weft_error *err);
/* Whether its weights are in their files, by the headers of these. */
weft_status weft_engine_can_load(weft_engine *e, weft_error *err);

/* As weft_path_at(), of the engine's own device: 0 also where that is no CPU. */
int32_t weft_engine_path(const weft_engine *e, uint32_t index, weft_path_info *out);

/* Hook sites, for inspect and plan: 1 and *out, whose strings live as long as the engine; 0 past
 * the end. */
typedef struct weft_site_info {
    weft_hdr    hdr;
    const char *name, *plugin, *stream, *kind; /* "cross-attention", "soft tokens" */
    int32_t     layer, order;
    uint64_t    parameters;
} weft_site_info;
int32_t weft_engine_site(const weft_engine *e, uint32_t index, weft_site_info *out);

/* Markers, the tokens at which items stand in the text: as weft_engine_site(). */
typedef struct weft_marker_info {
    weft_hdr    hdr;
    const char *token, *plugin, *stream;
    const char *before, *after; /* tokens that enclose what stands there, or NULL */
    const char *seen;           /* by which rows: "until the next group", "to the end" (of the
                                   sequence), "until the next" */
    int32_t token_id; /* from the vocabulary's size on: never sampled; -1: not known, in an
                         engine without a text core */
    int32_t end_id;   /* rows behind this token no longer see the item; -1: none */
} weft_marker_info;
int32_t weft_engine_marker(const weft_engine *e, uint32_t index, weft_marker_info *out);
/* The languages that the model says it can do a task ("transcribe") of a kind of media ("audio")
 * in: what its plugin tells, else those that the tokenizer has a token like <|de|> for. Codes or
 * English names with commas between, until the engine is closed; NULL: nothing says it. */
const char *weft_engine_languages(weft_engine *e, const char *kind, const char *task);
/* The language that the model's own prompt for a task of a kind of media asks for where the caller
 * names none: "English". NULL: that prompt names no language, and the model writes what it takes
 * the medium to be in. The string lives as long as the program. */
const char *weft_engine_asked_language(weft_engine *e, const char *kind, const char *task);

/* What a model's file is stored in and what weft holds that as, where the two are not the same by
 * nature: of a GGUF file. */
typedef struct weft_stored_info {
    weft_hdr    hdr;
    const char *type; /* GGUF's name: "Q6_K" */
    const char *held; /* weft's: "q8" */
    uint64_t    tensors, bytes;
    double      error; /* root mean square of held minus stored over that of stored, measured on
                          some rows of each tensor; 0: every number is what it was */
} weft_stored_info;
typedef void (*weft_stored_fn)(void *ctx, const weft_stored_info *s);
/* Calls fn for each type that the text core's file has; never, where that is no GGUF file. Reads
 * some of the tensors. What s points to lives as long as e. */
weft_status weft_engine_stored(const weft_engine *e, weft_stored_fn fn, void *ctx, weft_error *err);

/* Plugins: what was found and what became of it. Works on an engine, or on settings alone. */
typedef struct weft_plugin_info {
    weft_hdr    hdr;
    const char *id, *version, *path, *where; /* id NULL: no manifest could be read */
    const char *state;                       /* "loaded", "available", "rejected" */
    const char *reason;                      /* why rejected, a warning, or NULL */
    const char *components, *architectures, *links, *abi;
    const char *gives; /* services for other plugins */
    const char *needs; /* services of other plugins */
} weft_plugin_info;
typedef void (*weft_plugin_fn)(void *ctx, const weft_plugin_info *p);
weft_status weft_plugins_each(weft_settings *s, weft_plugin_fn fn, void *ctx, weft_error *err);
weft_status weft_engine_plugins(const weft_engine *e, weft_plugin_fn fn, void *ctx,
                                weft_error *err); /* as loaded there */
/* One file: what its manifest says ("id", "version", "abi", then those of "components",
 * "architectures", "needs", "gives", "kinds", "magic" and "links" that are not empty), then, from
 * loading it, one "option" for each that it declares, a "warning" where there is one, and "loads":
 * "yes", or "no: " and why not. Keys may come twice. A file whose manifest cannot be read is a
 * failure; one that does not load is not. */
typedef void (*weft_text_fn)(void *ctx, const char *key, const char *value);
weft_status weft_plugin_inspect(weft_settings *s, const char *path, weft_text_fn fn, void *ctx,
                                weft_error *err);

/* Which plugin's code runs on the calling thread, or the thread works for: for a program that must
 * say what a crash or an exit was. Any thread and any signal handler may ask. The strings are valid
 * until the call ends. The library installs no handler of its own. */
typedef struct weft_running {
    weft_hdr    hdr;
    const char *plugin, *function, *file; /* "org.example.jpeg", "read_frames", "a.jpg"; file NULL:
                                             the call is about none */
} weft_running;
int32_t weft_plugin_running(weft_running *out); /* 0: the host's own code */

/* ---- text ---- */

/* *need gets the count; at most cap are written. special 1: special-token strings are parsed. No
 * BOS. */
weft_status weft_tokenize(weft_engine *e, const char *text, uint64_t bytes, int32_t special,
                          int32_t *ids, uint64_t cap, uint64_t *need, weft_error *err);
weft_status weft_detokenize(weft_engine *e, const int32_t *ids, uint64_t n, char *text,
                            uint64_t cap, uint64_t *need, weft_error *err);

/* A conversation as JSON in UTF-8, not terminated. */
typedef struct weft_chat {
    weft_hdr hdr;
    /* A list of {"role": ..., "content": ...}, with whatever else the model's chat template reads;
     * or an object with "messages", whose other members the template gets by their names
     * ("documents", "add_generation_prompt", "enable_thinking"). */
    const char *messages, *messages_name; /* names are for messages: a file's; NULL is fine */
    uint64_t    messages_bytes;
    const char *tools, *tools_name; /* a list of functions; NULL: none */
    uint64_t    tools_bytes;
    const char *date; /* for templates that ask for it: "2026-11-30"; NULL: as the settings say */
} weft_chat;
/* What the conversation becomes by the model's own chat template, as text and as ids. In the ids no
 * text of the conversation is a special token, whatever the template does with it; in the text it
 * looks as it was written. *need gets the count; at most cap are written. UNSUPPORTED: the model
 * has no template, or it uses what is not known here; CORRUPT: the JSON is damaged; INVALID: the
 * template refuses the conversation. */
weft_status weft_chat_text(weft_engine *e, const weft_chat *chat, char *text, uint64_t cap,
                           uint64_t *need, weft_error *err);
weft_status weft_chat_ids(weft_engine *e, const weft_chat *chat, int32_t *ids, uint64_t cap,
                          uint64_t *need, weft_error *err);

/* ---- media items ---- */

typedef struct weft_item weft_item;

typedef struct weft_item_request {
    weft_hdr    hdr;
    const char *path;             /* "-": standard input */
    const char *kind;             /* NULL: whatever it is */
    int64_t     start_us, end_us; /* -1: nothing said */
    int32_t     max_frames;       /* -1 */
    int32_t     plan_only;        /* sizes only: nothing is decoded beyond headers */
} weft_item_request;
#define WEFT_ITEM_REQUEST(path)                                                                    \
    {                                                                                              \
        WEFT_HDR(weft_item_request), (path), NULL, -1, -1, -1, 0                                   \
    }

/* Finds a decoder by content, plans, decodes and preprocesses. The encoder runs at weft_item_encode
 * or when the item is first fed. An item belongs to its engine and may be fed to many sequences. */
weft_status weft_item_open(weft_engine *e, const weft_item_request *rq, weft_item **out,
                           weft_error *err);
weft_status weft_item_encode(weft_item *item, weft_error *err);
void        weft_item_release(weft_item **item);

typedef struct weft_item_info {
    weft_hdr    hdr;
    const char *kind, *decoder, *modality; /* plugin ids */
    int32_t     width, height, channels, sample_rate;
    int64_t     duration_us, n_samples;
    int64_t     n_placeholders, n_rows; /* tokens it takes in the text; rows that sites see */
    uint64_t    input_bytes, output_bytes, kv_bytes, scratch_bytes;
    double      decode_s, encode_s; /* measured; 0 before */
    int64_t     n_parts, max_parts; /* an encoder's output [parts, rows, width] is this full (a
                                       picture's tiles); 0: no parts */
    int32_t silent, reserved; /* 1: a recording that was read and is silent: there is nothing to say
                                 of it */
} weft_item_info;
weft_status weft_item_describe(const weft_item *item, weft_item_info *out, weft_error *err);
/* The index-th tensor that the encoder is given: host memory of the item; of a plan-only item the
 * shape alone, with data NULL. 0 past the end. */
int32_t weft_item_input(const weft_item *item, uint32_t index, const char **name, weft_tensor *out);
/* What the encoder is given, as pictures of one size for a person to look at (a clip's frames, a
 * picture's tiles): u8 [n, height, width, 3]. out->data NULL: only its shape and bytes are filled;
 * else out->bytes are there, so many at least, and the pictures go there. UNSUPPORTED: its modality
 * has nothing to see; INVALID: too few bytes. */
weft_status weft_item_preview(const weft_item *item, weft_tensor *out, weft_error *err);

/* ---- sequences ---- */

typedef struct weft_sequence weft_sequence;

weft_status weft_sequence_create(weft_engine *e, weft_sequence **out, weft_error *err);
void        weft_sequence_destroy(weft_sequence **s);
/* Appends; nothing runs before generate or step. LIMIT when the context would be exceeded, with
 * counts. */
weft_status weft_sequence_feed_ids(weft_sequence *s, const int32_t *ids, uint64_t n,
                                   weft_error *err);
/* Its marker, placeholders and layout. Plain text at the ends of a layout (weft_plan.lead_bytes)
 * becomes tokens by itself here; of a prompt it is one text with what stands beside the item. */
weft_status weft_sequence_feed_item(weft_sequence *s, weft_item *item, weft_error *err);
int64_t     weft_sequence_length(const weft_sequence *s); /* tokens fed or generated */
/* The first n tokens stay; n within a soft-token span is INVALID. */
weft_status weft_sequence_truncate(weft_sequence *s, int64_t n, weft_error *err);
weft_status weft_sequence_fork(weft_sequence *s, weft_sequence **out, weft_error *err);

#define WEFT_PROMPT_CHAT 1u /* the model's chat format; else BOS and raw text */
typedef struct weft_prompt {
    weft_hdr    hdr;
    uint32_t    flags, n_items;
    const char *system; /* chat only; NULL: none */
    /* In user text the marker strings of the items given ("<|image|>") are placeholders, nothing
     * else is parsed; missing ones are put first. NULL: the modality's default prompt for task
     * ("describe"). Where system is NULL too and the first item's modality has a whole prompt for
     * the task (weft_modality.whole_prompt), it is that, whatever the flags say. */
    const char       *user;
    uint64_t          user_bytes; /* 0 with user not NULL: strlen */
    const char       *task;
    weft_item *const *items;
    /* For "{language}" in the modality's prompt; NULL: "English". In a whole prompt its code stands
     * for "{code}", and NULL names none; a language that languages.h does not know is INVALID. */
    const char *language;
} weft_prompt;
weft_status weft_sequence_feed_prompt(weft_sequence *s, const weft_prompt *p, weft_error *err);

/* A message of a conversation. */
typedef struct weft_turn {
    weft_hdr    hdr;
    const char *role;        /* "system", "user", "assistant" */
    const char *text;        /* UTF-8; only the marker strings of the items are parsed, as in user
                                text of a weft_prompt */
    uint64_t          bytes; /* 0: strlen */
    weft_item *const *items;
    uint32_t          n_items, reserved;
} weft_turn;
typedef struct weft_turns_info {
    weft_hdr hdr;
    int64_t  n_tokens; /* of the whole conversation */
    int64_t  n_kept;   /* of these, the first ones, whose keys and values s had */
} weft_turns_info;
/* OK: the model has a chat format. NOTFOUND or UNSUPPORTED, of stage MODEL: why it has none. */
weft_status weft_engine_can_chat(weft_engine *e, weft_error *err);
/* Makes s hold this conversation in the model's chat format, with the header of the next answer.
 * Of what s holds stays what is the same, and only the rest will run: after an answer, the turns so
 * far with that answer and the next question. The tokens of an answer stay those that were
 * generated, where its text is given unchanged. LIMIT: over the context; s is as it was, and
 * info->n_tokens (info may be NULL) counts them. INVALID: a role that the format does not have. On
 * any other failure s may hold a part. */
weft_status weft_sequence_feed_turns(weft_sequence *s, const weft_turn *turns, uint32_t n,
                                     weft_turns_info *info, weft_error *err);

/* ---- generation ---- */

typedef struct weft_sampling {
    weft_hdr hdr;
    float    temperature; /* 0: greedy */
    float    top_p, min_p, repetition_penalty;
    int32_t  top_k; /* 0: off */
    int32_t  max_new_tokens;
    uint64_t seed;
    /* The answer ends where its last so many tokens stand in it already, and is without them; 0:
     * never. Tokens that may become such a repeat are told once they are none. */
    int32_t repeat_stop, reserved;
} weft_sampling;
/* Filled from the settings (temperature, top_k, ...). */
void weft_sampling_from_settings(const weft_settings *s, weft_sampling *out);

/* What a callback gets for each token, the stop token included. Where none ended the answer and a
 * character is incomplete, a last call brings the rest as U+FFFD. It dies with the call. */
typedef struct weft_token {
    weft_hdr hdr;
    int32_t  id; /* -1 in that last call, which is for no token */
    int32_t
        is_stop; /* 1: the token that ends the answer; text is what was incomplete, if anything */
    const char *text; /* whole characters only; may be empty while one is incomplete */
    uint64_t    text_bytes;
    float       logprob; /* of the model, whatever the sampling */
    int32_t     reserved;
} weft_token;
typedef struct weft_generation {
    weft_hdr hdr;
    int32_t  n_prompt, n_new, n_cached; /* n_cached: prompt tokens taken from shared K/V */
    int32_t  stopped; /* 1: a stop token, or a repeat; 0: max_new_tokens or the context's end */
    double   prefill_s, decode_s;
    double   sum_logprob;
} weft_generation;
/* Runs what was fed, then samples until a stop token. on_token returns 0 to go on. */
weft_status weft_generate(weft_sequence *s, const weft_sampling                     *p,
                          int32_t (*on_token)(void *ctx, const weft_token *t), void *ctx,
                          weft_generation *out, weft_error *err);
/* The forward pass alone, for several sequences at once: runs all that was fed. logits [n, vocab],
 * f32, are the caller's memory: row i is of the last token of s[i]. INVALID: a sequence of another
 * engine, one with nothing to run, or one that is given twice; then nothing has run. A sequence
 * that fails holds up none of the others: the first failure is returned, and the rows of those that
 * failed are not written. */
weft_status weft_step(weft_engine *e, weft_sequence *const *s, uint32_t n, float *logits,
                      weft_error *err);

/* ---- several requests at once ---- */

/* Runs many generations beside each other. Each gives the bytes that it gives alone, whatever runs
 * beside it: the order of the schedule is nobody's business but the clock's. A step takes the rows
 * of those that have begun to answer first, then chunks of prompts in turn, so that a long prompt
 * holds up nobody; an item is encoded before the rows of its request run. When memory for keys and
 * values runs short the youngest request gives up its own and is computed again later.
 *
 * Threads: of its engine's one thread at a time, weft_job_cancel() apart. Callbacks may call
 * anything but weft_scheduler_step and weft_scheduler_destroy of the same scheduler. */
typedef struct weft_scheduler weft_scheduler;
typedef struct weft_job       weft_job; /* a request on its way */

typedef struct weft_scheduler_options {
    weft_hdr hdr;
    int32_t  rows;     /* of a step at most; 0, and the most: the setting prefill_chunk */
    int32_t  most_run; /* requests at once; 0: as many as there is memory for, at most 256 */
} weft_scheduler_options;

/* How a request ended. Everything pointed to lives until on_done returns. */
typedef struct weft_job_result {
    weft_hdr               hdr;
    weft_status            status;
    uint32_t               reserved;
    const weft_generation *generation; /* as far as it came */
    const weft_error      *error;      /* status not OK: the sentence, and the stage */
} weft_job_result;

typedef struct weft_job_request {
    weft_hdr             hdr;
    weft_sequence       *sequence; /* borrowed until on_done; nobody else may touch it */
    const weft_sampling *sampling; /* copied */
    int32_t (*on_token)(void *ctx, const weft_token *t); /* may be NULL; not 0: enough */
    /* Once for every request that was added, whatever became of it. The sequence is the caller's
     * again: it may be destroyed here, or be part of a new request; one that is kept keeps its keys
     * and values, which others then lack. May be NULL. */
    void (*on_done)(void *ctx, const weft_job_result *result);
    void *ctx;
} weft_job_request;

/* options may be NULL. On success *out is the caller's until weft_scheduler_destroy. STATE: an
 * engine without weights. */
weft_status weft_scheduler_create(weft_engine *e, const weft_scheduler_options *options,
                                  weft_scheduler **out, weft_error *err);
/* Requests that are not done end as CANCELLED. Before the engine is closed. */
void weft_scheduler_destroy(weft_scheduler **s);
/* Nothing runs before the next step. INVALID: a sampling value out of range, or a sequence of
 * another engine or of a request that is not done; STATE: a sequence with nothing to run. Those are
 * refused at once, without on_done. out may be NULL; else *out is the caller's until
 * weft_job_release, however long the request lives. */
weft_status weft_scheduler_add(weft_scheduler *s, const weft_job_request *rq, weft_job **out,
                               weft_error *err);
/* One step for whoever can run. *left (may be NULL): requests that are not done. A failure that is
 * one request's own is told by its on_done, and the status is OK. Not OK: memory or the device
 * failed and nothing has run; every request is as it was, and the step may be tried again. STATE:
 * called from a callback of a step. */
weft_status weft_scheduler_step(weft_scheduler *s, int32_t *left, weft_error *err);

/* The request ends as CANCELLED, in the step that is running or the next one; one that is done
 * stays as it is. Any thread, and signal handlers, until the release. weft_engine_cancel() does it
 * to all that were added so far. */
void weft_job_cancel(weft_job *job);
void weft_job_release(weft_job **job); /* does not end the request; NULL inside is fine */

typedef struct weft_scheduler_info {
    weft_hdr hdr; /* size is set by the caller */
    int32_t  running, waiting;
    uint64_t preempted;    /* times a request gave up its keys and values */
    uint64_t steps, rows;  /* so far */
    uint64_t pages, limit; /* of keys and values: in use, cached ones included; allowed */
    uint64_t page_bytes;
} weft_scheduler_info;
weft_status weft_scheduler_describe(const weft_scheduler *s, weft_scheduler_info *out,
                                    weft_error *err);

/* ---- for programs that call weft_step themselves ---- */

/* From logits to tokens, as weft_generate does it. The draw depends on the seed and the position
 * alone. One thread at a time. */
typedef struct wf_sampler weft_sampler;

/* Of a generation that goes on from what s holds now (the repetition penalty counts it); s may go
 * away first. *out is the caller's until weft_sampler_destroy. INVALID names the value. */
weft_status weft_sampler_create(const weft_sequence *s, const weft_sampling *p, weft_sampler **out,
                                weft_error *err);
void        weft_sampler_destroy(weft_sampler **s); /* NULL inside is fine */
/* The token for position (weft_sequence_length before it is fed) from logits [vocab]. *logprob (may
 * be NULL): of the model, whatever the sampling. NUMERIC: no number among the logits can be chosen.
 */
weft_status weft_sampler_pick(weft_sampler *s, const float *logits, int64_t position, int32_t *id,
                              float *logprob, weft_error *err);
/* The sequence holds id now. */
void    weft_sampler_accept(weft_sampler *s, int32_t id);
int32_t weft_token_stops(weft_engine *e, int32_t id); /* 1: a token that ends an answer */

/* From the tokens of an answer to whole characters; special tokens are shown where the tokenizer
 * says that they belong to the answer. One thread at a time. */
typedef struct weft_text_stream weft_text_stream;

/* *out is the caller's until weft_text_stream_destroy, which comes before the engine's close.
 * NOTFOUND: the model has no tokenizer. */
weft_status weft_text_stream_create(weft_engine *e, weft_text_stream **out, weft_error *err);
void        weft_text_stream_destroy(weft_text_stream **t); /* NULL inside is fine */
/* The characters that are whole with this token; *text lives until the next call. */
weft_status weft_text_stream_push(weft_text_stream *t, int32_t id, const char **text,
                                  uint64_t *bytes, weft_error *err);
/* The end: what still waits comes out as U+FFFD. */
weft_status weft_text_stream_flush(weft_text_stream *t, const char **text, uint64_t *bytes,
                                   weft_error *err);

/* ---- long and live media ---- */

/* A stretch of a recording and what was generated from it. */
typedef struct weft_part_result {
    weft_hdr       hdr;
    int32_t        index, silent; /* silent: nothing worth decoding; no text */
    int64_t        start_us, end_us;
    const char    *text; /* whole characters, without surrounding white space */
    uint64_t       text_bytes;
    const int32_t *ids; /* generated, without the stop token */
    uint64_t       n_ids;
    float          avg_logprob, temperature;
    double         encode_s, prefill_s, decode_s;
    int32_t        stopped, reserved; /* stopped: as of weft_generation */
    /* Where in the part somebody speaks; all of it where the segmenter does not say. */
    int64_t speech_start_us, speech_end_us;
} weft_part_result;
typedef struct weft_long_request {
    weft_hdr    hdr;
    const char *path;                            /* "-": standard input, live */
    const char *kind;                            /* NULL: whatever it is */
    const char *task, *language, *system, *user; /* as weft_prompt */
    int64_t     max_us; /* of a part; 0: what the model takes, at most 60 s */
    uint32_t    flags;  /* WEFT_PROMPT_* */
    uint32_t    reserved;
    /* Called as each part is done. Not 0: stop. */
    int32_t (*on_part)(void *ctx, const weft_part_result *part);
    /* How far the recording has been read, of total (-1: unknown). May be NULL. */
    void (*on_time)(void *ctx, int64_t done_us, int64_t total_us);
    void *ctx;
    /* Parts that end at or before it are passed over: they are cut, so that all others are the same
     * as without it, but neither decoded nor given to on_part. Where a part of an earlier run
     * ended; 0: from the beginning. A part that goes across it fails the recording with INVALID. */
    int64_t from_us;
} weft_long_request;
/* Cuts a recording into parts with the segmenter of its kind, if there is one, and generates from
 * each. Memory does not grow with its length. *info (may be NULL) is of the whole. */
weft_status weft_run_long(weft_engine *e, const weft_long_request *rq, const weft_sampling *p,
                          weft_item_info *info, weft_error *err);

/* How a recording of a scheduler ended. Everything pointed to lives until on_done returns. */
typedef struct weft_long_result {
    weft_hdr              hdr;
    weft_status           status;
    uint32_t              reserved;
    const weft_item_info *info;  /* of the whole; NULL: it could not be opened */
    const weft_error     *error; /* status not OK: the sentence, and the stage */
} weft_long_result;
/* A recording beside other requests: its parts follow each other, and each is a request of the
 * scheduler. *rq is copied, what it points to is borrowed until on_done, which is called once with
 * rq->ctx. All callbacks come from weft_scheduler_step or weft_scheduler_destroy, on the thread
 * that called it; a pipe that is slow makes the step wait. *out and cancelling as with
 * weft_scheduler_add. */
weft_status weft_scheduler_add_long(weft_scheduler *s, const weft_long_request *rq,
                                    const weft_sampling *p,
                                    void (*on_done)(void *ctx, const weft_long_result *result),
                                    weft_job **out, weft_error *err);

/* ---- verify: parity with a reference ---- */

typedef struct weft_verify_row {
    weft_hdr    hdr;
    const char *name; /* "hidden.3", "logits", "vision.output", "greedy" */
    double      max_abs, relative, cosine, scale;
    int64_t     first_argmax;        /* logits: first position whose argmax differs; -1: none */
    int64_t     n_compared, n_equal; /* greedy: ids */
    int32_t     passed, reserved;
} weft_verify_row;
typedef struct weft_verify_request {
    weft_hdr    hdr;
    const char *parity;        /* NULL: parity.safetensors of the model directory */
    const char *dump;          /* NULL, or a safetensors file to write what was computed to */
    int32_t     prefill_chunk; /* 0: all at once */
    int32_t     bf16;          /* judge by cosine */
    void (*on_row)(void *ctx, const weft_verify_row *row);
    void *ctx;
} weft_verify_request;
/* *passed 1: all within tolerance. Opens no media. */
weft_status weft_verify(weft_engine *e, const weft_verify_request *rq, int32_t *passed,
                        weft_error *err);

/* Writes the model's directory once more, with the tensors that loading would make q8 or q4 in that
 * format: as the settings quantize and quantize_encoders say, of which one must be q8 or q4
 * (INVALID), and its other files but for lists of checksums. out must not exist (INVALID); while it
 * is written it is called out.part, and a call with the same model and settings goes on with what
 * an interrupted one left there; INVALID where that is of something else. No weights need be loaded
 * (WEFT_OPEN_CONFIG). UNSUPPORTED: a GGUF file, a made model, weights of another format. IO: the
 * disk, or another process that writes out.part. */
weft_status weft_quantize(weft_engine *e, const char *out, weft_error *err);
/* The same, where quantize is q4 (INVALID): the first 8192 tokens of a text file run through the
 * text core in q8 on the CPU, which takes the memory of that; then the error of each 4-bit weight
 * of its layers counts as much as the mean square of what it is multiplied with. They run in
 * sequences of 512, or of as many as the model takes where that is less; the token that texts of
 * the model begin with, where it has one, is the first of each and counts among its 512. The same
 * text gives the same bytes on every CPU, whatever other settings say. Of the file its first 256
 * KiB are looked at, which must be UTF-8. The model is read once more from its directory, INVALID
 * where that has another by now. text NULL: weft_quantize(). */
weft_status weft_quantize_calibrated(weft_engine *e, const char *out, const char *text,
                                     weft_error *err);

/* A file that is written whole or not at all: it grows as ".weft-NAME" beside its own name, which
 * it gets in the end, with the mode of a file that it replaces; links are followed. A pipe, a
 * device and a descriptor (/dev/stdout, /dev/fd/N) are written as it comes. One thread. */
typedef struct wf_writer weft_output;
/* On success *out is the caller's until weft_output_close. *busy (may be NULL): 1 where it failed
 * because another process is writing the file. INVALID: a folder; IO: the reason. */
weft_status weft_output_open(const char *path, int32_t *busy, weft_output **out, weft_error *err);
weft_status weft_output_write(weft_output *o, const void *bytes, uint64_t n, weft_error *err);
/* keep 0: what was written is removed, where it is a file. Frees *o, also on failure. */
weft_status weft_output_close(weft_output **o, int32_t keep, weft_error *err);

/* Writes named host tensors (dtype f32, i64, i32 or u8, C order) to a safetensors file, whole or
 * not at all. */
weft_status weft_save_tensors(const char *path, const char *const *names,
                              const weft_tensor *tensors, uint32_t n, weft_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
