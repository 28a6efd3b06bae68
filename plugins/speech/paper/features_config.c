/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the front end's configuration. */
#include "features_config.h"

#include "../shared/resample.h"

static weft_status whole(const plg_keys *k, const char *key, int64_t min, int64_t max, int32_t *v)
{
    int64_t     x = *v;
    weft_status st = plg_keys_i64(k, key, min, max, &x);
    *v = (int32_t)x;
    return st;
}

/* Sets *v to the index, among the NULL-terminated names, of the word that a key holds. Where the
 * key is absent *v stays as it is. */
static weft_status word(const plg_keys *k, const char *key, const char *const *names, int32_t *v)
{
    const char *s = NULL;
    weft_status st = plg_keys_str(k, key, &s);
    if (st != WEFT_OK || s == NULL)
        return st;
    for (int32_t i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], s) == 0) {
            *v = i;
            return WEFT_OK;
        }
    return weft_fail(k->err, WEFT_E_INVALID, "%s: %s%s is \"%s\", which is not provided; \"%s\" is",
                     k->file, k->prefix, key, s, names[0]);
}

static weft_status choose_class(const plg_keys *k, spk_features_config *out, int *own)
{
    const char *s = NULL;
    int64_t     rate = SPK_RATE;
    weft_status st = plg_keys_str(k, "feature_extractor_type", &s);
    *own = 0;
    if (st == WEFT_OK)
        st = plg_keys_i64(k, "sampling_rate", 1, 768000, &rate);
    if (st == WEFT_OK && rate != SPK_RATE)
        return weft_fail(k->err, WEFT_E_UNSUPPORTED,
                         "%s: %ssampling_rate is %d; models of 16000 are "
                         "provided for",
                         k->file, k->prefix, (int)rate);
    if (s != NULL && strcmp(s, "WhisperFeatureExtractor") == 0) {
        *out = spk_features_whisper(80);
    } else if (s != NULL && strcmp(s, "SeamlessM4TFeatureExtractor") == 0) {
        *out = spk_features_w2v_bert();
    } else {
        *out = spk_features_own();
        *own = 1;
    }
    return st;
}

/* Reads the keys that every feature extractor may have. */
static weft_status read_common(const plg_keys *k, spk_features_config *out)
{
    double      pad = (double)out->pad_value;
    weft_status st = whole(k, "feature_size", 1, 1024, &out->n_mels);
    if (st == WEFT_OK)
        st = whole(k, "num_mel_bins", 1, 1024, &out->n_mels);
    if (st == WEFT_OK)
        st = whole(k, "hop_length", 1, SPK_FFT_MAX, &out->hop);
    if (st == WEFT_OK)
        st = whole(k, "n_fft", 2, SPK_FFT_MAX, &out->n_fft);
    if (st == WEFT_OK && out->center) /* Whisper's frames are as long as its transform */
        out->frame = out->n_fft;
    if (st == WEFT_OK)
        st = whole(k, "win_length", 1, SPK_FFT_MAX, &out->frame);
    if (st == WEFT_OK)
        st = whole(k, "stride", 1, 64, &out->stack);
    if (st == WEFT_OK)
        st = plg_keys_f64(k, "padding_value", -1e9, 1e9, &pad);
    out->pad_value = (float)pad;
    return st;
}

static weft_status read_words(const plg_keys *k, spk_features_config *out)
{
    static const char *const windows[] = {"hann", "povey", NULL};
    static const char *const mels[] = {"htk", "kaldi", "slaney", NULL};
    static const char *const logs[] = {"ln", "log10", NULL};
    weft_status              st = word(k, "window", windows, &out->window);
    if (st == WEFT_OK)
        st = word(k, "mel_scale", mels, &out->mel);
    if (st == WEFT_OK)
        st = word(k, "log", logs, &out->log10);
    return st;
}

/* Reads the keys that only our own front end has. The classes of the other extractors fix these
 * values. */
static weft_status read_own(const plg_keys *k, spk_features_config *out)
{
    weft_status st = read_words(k, out);
    if (st == WEFT_OK)
        st = plg_keys_bool(k, "center", &out->center);
    if (st == WEFT_OK)
        st = plg_keys_bool(k, "remove_mean", &out->remove_mean);
    if (st == WEFT_OK)
        st = plg_keys_bool(k, "normalize", &out->normalise);
    if (st == WEFT_OK)
        st = plg_keys_f64(k, "f_min", 0, 8000, &out->f_min);
    if (st == WEFT_OK)
        st = plg_keys_f64(k, "f_max", 0, 8000, &out->f_max);
    if (st == WEFT_OK)
        st = plg_keys_f64(k, "preemphasis", 0, 1, &out->preemphasis);
    if (st == WEFT_OK)
        st = plg_keys_f64(k, "mel_floor", 1e-30, 1, &out->floor);
    if (st == WEFT_OK)
        st = plg_keys_f64(k, "dynamic_range", 0, 100, &out->range);
    return st;
}

weft_status spk_features_config_read(const plg_keys *k, spk_features_config *out)
{
    int         own;
    weft_status st = choose_class(k, out, &own);
    if (st == WEFT_OK)
        st = read_common(k, out);
    return st == WEFT_OK && own ? read_own(k, out) : st;
}
