/* SPDX-License-Identifier: Apache-2.0 */
/* The core's options: the one table behind the command line, --help, the environment and the
 * configuration files. Default limits: docs/CLI.md. */
#include <string.h>
#include "core/settings/value.h"

#include "core/settings/settings.h"

#define I64 WEFT_OPT_I64
#define F64 WEFT_OPT_F64
#define STR WEFT_OPT_STR
#define BOOL WEFT_OPT_BOOL

/* Columns: key, letter, type, flags, default, range, argument, one line for --help. */
const wf_core_option wf_core_options[] = {
    {"model", 'm', STR, WF_OPT_PATH, NULL, NULL, "DIR",
     "model directory or GGUF file (default: the demo model)"},
    {"dtype", 0, STR, 0, "auto", "auto|f32|bf16", "TYPE",
     "type of linear weights; auto: as stored"},
    {"quantize", 0, STR, 0, "none", "none|q8|q4|fp8", "FORMAT",
     "make linear weights smaller while loading: text core and cross-attention; fp8: the core's "
     "feed-forward weights alone, but for the first and last layer"},
    {"quantize_encoders", 0, STR, 0, "none", "none|q8|q4", "FORMAT",
     "the same for the encoders of plugins"},
    {"kv_dtype", 0, STR, 0, "auto", "auto|f32|bf16|f16|q8", "TYPE",
     "type of keys and values; auto: f32, or bf16 beside weights that are bf16 or smaller"},
    {"device", 0, STR, 0, "auto", "auto|cpu|cuda|async-test", "NAME",
     "where the model runs; async-test is for those who change weft"},
    {"deterministic", 0, BOOL, 0, "false", NULL, NULL,
     "a text's bytes do not hang on what runs beside it; always so on a CPU"},
    {"threads", 't', I64, 0, "0", "0..256", "N", "threads; 0: what affinity and cgroup allow"},
    {"pin", 0, BOOL, 0, "false", NULL, NULL, "each thread but the first stays on a CPU of its own"},
    {"cpu_mask", 0, STR, 0, "max",
     "none|avx2|avxvnni|avx512|avx512vnni|avx512bf16|amx|neon|dotprod|max", "LEVEL",
     "use no instructions beyond this level"},
    {"isa", 0, STR, 0, "auto",
     "auto|none|avx2|avxvnni|avx512|avx512vnni|avx512bf16|amx|neon|dotprod", "LEVEL",
     "run at this level and no other; auto: what is fastest here"},
    {"context", 'c', I64, 0, "0", "0..16777216", "N",
     "tokens of context; 0: the model's own, at most 8192"},
    {"kv_bytes", 0, I64, WF_OPT_BYTES, "0", "0..", "BYTES",
     "memory for keys and values; 0: from the context"},
    {"prefill_chunk", 0, I64, 0, "256", "1..65536", "N", "rows of a prefill step"},
    {"plugin", 0, STR, WF_OPT_PATH | WF_OPT_LIST, NULL, NULL, "PATH", "load this plugin file"},
    {"safe", 0, BOOL, 0, "false", NULL, NULL, "load no plugins"},
    {"max_pixels", 0, I64, 0, "67108864", "1..", "N", "pixels of one picture or frame"},
    {"max_side", 0, I64, 0, "32768", "1..1048576", "N", "width or height of one picture or frame"},
    {"max_frames", 0, I64, 0, "4096", "1..", "N", "frames taken from one clip"},
    {"max_samples", 0, I64, 0, "1099511627776", "1..", "N", "samples of one recording"},
    {"max_decoded_bytes", 0, I64, WF_OPT_BYTES, "4G", "1..", "BYTES", "decoded bytes of one item"},
    {"max_tokens", 0, I64, 0, "131072", "1..", "N",
     "tokens that one item may take in the text; those of an answer are -n"},
    {"max_file_bytes", 0, I64, WF_OPT_BYTES, "0", "0..", "BYTES",
     "size of a media file; 0: 64M for pictures, any for what is streamed"},
    {"track", 0, STR, 0, NULL, NULL, "N|LANG",
     "which track of sound: its number, or its language by name or code (German, deu, de)"},
    {"channel", 0, I64, 0, "0", "0..64", "N", "listen to this channel alone, from 1; 0: to all"},
    {"raw_audio", 0, STR, 0, NULL, NULL, "FORMAT,RATE,CHANNELS",
     "recordings are samples without a header, as s16le,16000,1; a file that begins as some format "
     "does is read as that, or refused"},
    {"validate", 0, BOOL, 0, "false", NULL, NULL,
     "check what plugins write: for those who make plugins; slower"},
    {"max_new_tokens", 'n', I64, 0, "256", "0..16777216", "N", "tokens to generate at most"},
    {"temperature", 0, F64, 0, "0", "0..100", "T", "0: always the likeliest token"},
    {"top_k", 0, I64, 0, "0", "0..", "N", "sample among the N likeliest; 0: all"},
    {"top_p", 0, F64, 0, "1", "0..1", "P", "sample among the likeliest whose sum reaches P"},
    {"min_p", 0, F64, 0, "0", "0..1", "P", "sample among those at least P times the likeliest"},
    {"repetition_penalty", 0, F64, 0, "1", "0.01..100", "X",
     "divide the scores of tokens already seen"},
    {"repeat_stop", 0, I64, 0, "0", "0..16777216", "N",
     "end the answer where its last N tokens stand in it already, and leave these out; 0: never"},
    {"seed", 0, I64, 0, "0", "0.." WF_U64_MOST, "N", "seed of sampling"},
    {"system", 0, STR, 0, NULL, NULL, "TEXT", "system message of the chat"},
    {"about", 0, STR, WF_OPT_HIDDEN, NULL, NULL, "TEXT",
     "what a person should know of this model before a chat"},
    {"prompt", 'p', STR, 0, NULL, NULL, "TEXT",
     "what to ask (default: the modality's own question)"},
};
const size_t wf_n_core_options = sizeof wf_core_options / sizeof wf_core_options[0];

static bool same_key(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++)
        if ((*a == '-' ? '_' : *a) != (*b == '-' ? '_' : *b))
            return false;
    return *a == *b;
}

const wf_core_option *wf_core_option_find(const char *key)
{
    for (size_t i = 0; i < wf_n_core_options; i++)
        if (same_key(wf_core_options[i].key, key))
            return &wf_core_options[i];
    return NULL;
}
