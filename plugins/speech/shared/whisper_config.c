/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the sizes of a Whisper encoder. The range of every value is checked before any size is
 * computed from it. */
#include "whisper.h"

#define AT(field) offsetof(spk_whisper_config, field)

const plg_int_key spk_whisper_keys[SPK_WHISPER_KEYS] = {
    {"d_model", AT(d), 384, 1, 1 << 16},
    {"encoder_ffn_dim", AT(d_ffn), 1536, 1, 1 << 20},
    {"encoder_attention_heads", AT(n_heads), 6, 1, 4096},
    {"encoder_layers", AT(n_layers), 4, 1, SPK_WHISPER_MAX_LAYERS},
    {"num_mel_bins", AT(bins), 80, 1, 1024},
    {"max_source_positions", AT(positions), 1500, 1, 1 << 16},
};

weft_status spk_whisper_config_read(const plg_keys *k, const char *type,
                                    const plg_int_key keys[SPK_WHISPER_KEYS], spk_whisper_config *c)
{
    const char *said = type;
    weft_status status = plg_keys_str(k, "model_type", &said);
    if (status == WEFT_OK && strcmp(said, type) != 0)
        return weft_fail(k->err, WEFT_E_INVALID,
                         "%s: %smodel_type is \"%.40s\", and only %s is known", k->file, k->prefix,
                         said, type);
    if (status == WEFT_OK)
        status = plg_keys_ints(k, keys, SPK_WHISPER_KEYS, c);
    c->act = WEFT_ACT_GELU;
    if (status == WEFT_OK)
        status = plg_keys_act(k, "activation_function", &c->act);
    if (status == WEFT_OK && c->d % c->n_heads != 0)
        return weft_fail(k->err, WEFT_E_INVALID, "%s: %s%s %d must be a multiple of its %d heads",
                         k->file, k->prefix, keys[0].key, c->d, c->n_heads);
    return status;
}
