/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the Whisper encoder. A directory whose audio_model_id is null holds a tuned encoder under
 * audio_tower.; a directory that names a model uses the encoder of that model and does not repeat
 * it (v0.4_1). The 8B directories of v0.3 and v0.4 have a null id and no encoder: there
 * audio_config tells which model's encoder is meant. So the tensors decide whether the encoder is
 * there, and the ids only serve to say which one is missing. */
#include "ultravox.h"

#define OWN_TENSORS "audio_tower."
#define OWN_KEYS "audio_config."

static const weft_if_weights *weights_of(const weft_host *h)
{
    return h->get_interface(h, WEFT_IF_WEIGHTS);
}

static int has(const weft_host *h, const weft_package *p, const char *prefix, const char *name)
{
    char full[PLG_MAX_NAME];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    return weights_of(h)->has(h, p, full);
}

/* What the encoder's tensor names begin with in p: they differ between a whole Whisper model and an
 * encoder that was saved by itself. */
static const char *prefix_within(const weft_host *h, const weft_package *p)
{
    static const char *const known[] = {"model.encoder.", "encoder.", ""};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (has(h, p, known[i], "conv1.weight"))
            return known[i];
    return known[0];
}

static weft_status take_given(const weft_host *h, const weft_package *given, vox_origin *out,
                              weft_error *err)
{
    const plg_keys k = plg_keys_of(h, given, VOX_CONFIG, "", err);
    const char    *type = "nothing";
    weft_status    status = plg_keys_str(&k, "model_type", &type);
    if (status != WEFT_OK)
        return status;
    if (strcmp(type, "whisper") != 0)
        return weft_fail(err, WEFT_E_INVALID,
                         "the directory of " VOX_ID "." VOX_AUDIO
                         " is no Whisper checkpoint: its config.json says model_type %.40s",
                         type);
    out->package = given;
    out->tensors = prefix_within(h, given);
    out->keys = "";
    return WEFT_OK;
}

static void take_own(const weft_package *own, vox_origin *out)
{
    out->package = own;
    out->tensors = OWN_TENSORS;
    out->keys = OWN_KEYS;
}

static weft_status missing(const plg_keys *k, const char *id)
{
    if (id == NULL) {
        weft_status status = plg_keys_str(k, OWN_KEYS "_name_or_path", &id);
        if (status != WEFT_OK)
            return status;
    }
    return weft_fail(k->err, WEFT_E_NOTFOUND,
                     "the audio encoder %.120s is not in the directory of " VOX_ID
                     ".weights: download it and name its directory with --set " VOX_ID "." VOX_AUDIO
                     "=DIR",
                     id != NULL && id[0] != '\0' ? id : "(a Whisper checkpoint)");
}

weft_status vox_origin_find(const weft_host *h, const weft_package *own, vox_origin *out,
                            weft_error *err)
{
    const weft_if_options *options = h->get_interface(h, WEFT_IF_OPTIONS);
    const weft_package    *given = options->package(h, VOX_AUDIO);
    const plg_keys         k = plg_keys_of(h, own, VOX_CONFIG, "", err);
    const char            *id = NULL;
    const int              inside = has(h, own, OWN_TENSORS, "conv1.weight");
    const int              looked = has(h, own, "multi_modal_projector.", "linear_1.weight");
    weft_status            status = plg_keys_str(&k, "audio_model_id", &id);
    if (status != WEFT_OK)
        return status;
    if (given != NULL && inside && id == NULL) {
        h->log(h, WEFT_LOG_WARN,
               VOX_ID ": the adapter's directory holds an encoder of its own, tuned with it; the "
                      "one given as " VOX_AUDIO " is not used");
        given = NULL;
    }
    if (given != NULL)
        return take_given(h, given, out, err);
    if (!inside && (looked || id != NULL))
        return missing(&k, id);
    take_own(own, out);
    return WEFT_OK;
}

/* The encoder's first weight with that number of mel bins, for the host to look at. name
 * [PLG_MAX_NAME] gets its name. */
static weft_weight first_weight(const vox_origin *origin, int32_t d, int32_t bins, char *name)
{
    const weft_weight w = {WEFT_HDR(weft_weight), name, WEFT_USE_HOST, 3, {d, bins, 3}};
    snprintf(name, PLG_MAX_NAME, "%sconv1.weight", origin->tensors);
    return w;
}

/* Tries 80, 128 and the configured number of mel bins, and returns the one that fits conv1.weight.
 */
static int32_t bins_of_weight(const weft_host *h, const vox_origin *origin, int32_t d,
                              int32_t configured)
{
    const int32_t candidates[] = {configured, 80, 128};
    char          name[PLG_MAX_NAME];
    if (!has(h, origin->package, origin->tensors, "conv1.weight"))
        return configured;
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++) {
        const weft_weight w = first_weight(origin, d, candidates[i], name);
        weft_tensor       got;
        if (weights_of(h)->get(h, origin->package, &w, 1, &got, NULL) == WEFT_OK)
            return candidates[i];
    }
    return configured; /* loading the weight will report what is wrong */
}

weft_status vox_origin_tell(const weft_host *h, const vox_origin *origin, int32_t d, int32_t bins,
                            const weft_weight_sink *sink, weft_error *err)
{
    char              name[PLG_MAX_NAME];
    const weft_weight w = first_weight(origin, d, bins, name);
    if (!has(h, origin->package, origin->tensors, "conv1.weight"))
        return WEFT_OK;
    return sink->add(sink->ctx, origin->package, &w, 1, err);
}

static void note(const weft_host *h, const weft_package *own, const vox_origin *origin,
                 int32_t bins)
{
    const weft_package *const where[] = {own, origin->package};
    for (int i = 0; i < 2; i++) {
        const plg_keys k = plg_keys_of(h, where[i], VOX_PREPROCESSOR, "", NULL);
        int64_t        said = bins;
        char           line[160];
        if (plg_keys_i64(&k, "feature_size", 1, 1 << 16, &said) != WEFT_OK || said == bins)
            continue;
        snprintf(line, sizeof line,
                 VOX_ID ": " VOX_PREPROCESSOR " says feature_size %d, but the encoder's "
                        "conv1.weight takes %d mel bins: %d it is",
                 (int)said, bins, bins);
        h->log(h, WEFT_LOG_INFO, line);
        return;
    }
}

int32_t vox_origin_bins(const weft_host *h, const weft_package *own, const vox_origin *origin,
                        int32_t d, int32_t configured)
{
    int32_t bins = bins_of_weight(h, origin, d, configured);
    note(h, own, origin, bins);
    return bins;
}
