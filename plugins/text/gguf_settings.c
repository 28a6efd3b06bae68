/* SPDX-License-Identifier: Apache-2.0 */
/* What a GGUF file says by a name only: how text is normalised and cut before tokens are merged.
 * Here is what tokenizer.json says of the models that the names stand for. Source: llama.cpp
 * src/llama-vocab.cpp (the names of tokenizer.ggml.pre) and convert_hf_to_gguf_update.py (the
 * models that each was made for). */
#include "text.h"

#define BYTES(regex) "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":" regex "}"
#define TEXT(normalizer, first, bytes, ignores)                                                    \
    "{\"normalizer\":" normalizer                                                                  \
    ",\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[" first bytes                    \
    "]},\"decoder\":" BYTES("true") ",\"model\":{\"ignore_merges\":" ignores "}}"
#define SPLIT(regex)                                                                               \
    "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" regex "\"},\"behavior\":\"Isolated\","         \
    "\"invert\":false},"
#define BY_SPLIT(normalizer, regex, ignores) TEXT(normalizer, SPLIT(regex), BYTES("false"), ignores)

#define DIGITS "{\"type\":\"Digits\",\"individual_digits\":true},"
#define CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define BLANKS "|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+"
#define WORDS CONTRACTIONS "|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|"
#define OTHERS "| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*"
#define UPPER "[\\\\p{Lu}\\\\p{Lt}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]"
#define LOWER "[\\\\p{Ll}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]"
#define FIRST "[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?"
#define CASED(end) FIRST UPPER "*" LOWER "+" end "|" FIRST UPPER "+" LOWER "*" end
#define SLASHED "| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n/]*"

#define GPT2 TEXT("null", "", BYTES("true"), "false")
#define BY_DIGITS TEXT("null", DIGITS, BYTES("true"), "false")
#define LLAMA3(ignores) BY_SPLIT("null", WORDS "\\\\p{N}{1,3}" OTHERS BLANKS, ignores)
#define QWEN2 BY_SPLIT("{\"type\":\"NFC\"}", WORDS "\\\\p{N}" OTHERS BLANKS, "false")
#define TEKKEN BY_SPLIT("null", CASED("") "|\\\\p{N}" SLASHED BLANKS, "true")
#define GPT4O BY_SPLIT("null", CASED(CONTRACTIONS "?") "|\\\\p{N}{1,3}" SLASHED BLANKS, "false")

static const char *const byte_level[][2] = {
    {"llama-bpe", LLAMA3("true")},
    {"llama3", LLAMA3("true")},
    {"llama-v3", LLAMA3("true")},
    {"pixtral", LLAMA3("true")},
    {"falcon3", LLAMA3("true")},
    {"dbrx", LLAMA3("false")},
    {"smaug-bpe", LLAMA3("false")},
    {"smollm", BY_DIGITS},
    {"starcoder", BY_DIGITS},
    {"refact", BY_DIGITS},
    {"qwen2", QWEN2},
    {"deepseek-r1-qwen", QWEN2},
    {"gpt-2", GPT2},
    {"olmo", GPT2},
    {"tekken", TEKKEN},
    {"gpt-4o", GPT4O},
};

/* Llama 1 and 2 and Mistral's first models: SentencePiece. */
#define MARK "\xe2\x96\x81"
#define REPLACE "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"" MARK "\"}"
#define MARKED "{\"type\":\"Replace\",\"pattern\":{\"String\":\"" MARK "\"},\"content\":\" \"},"
#define PIECES(prepend, strip)                                                                     \
    "{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[" prepend REPLACE                     \
    "]},\"decoder\":{\"type\":\"Sequence\",\"decoders\":[" MARKED                                  \
    "{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}" strip                                        \
    "]},\"model\":{\"byte_fallback\":true,\"fuse_unk\":true}}"
#define PREPEND "{\"type\":\"Prepend\",\"prepend\":\"" MARK "\"},"
#define STRIP ",{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}"

const char *txt_gguf_settings(const char *model, const char *pre, bool adds_space)
{
    if (strcmp(model, "llama") == 0)
        return adds_space ? PIECES(PREPEND, STRIP) : PIECES("", "");
    for (size_t i = 0; i < sizeof byte_level / sizeof *byte_level; i++)
        if (strcmp(byte_level[i][0], pre) == 0)
            return byte_level[i][1];
    return NULL;
}
