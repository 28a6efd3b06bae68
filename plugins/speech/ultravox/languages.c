/* SPDX-License-Identifier: Apache-2.0 */
/* What Whisper's own files say of languages. */
#include "ultravox.h"

#include "weft/languages.h"

#define GENERATION "generation_config.json"

void vox_languages_read(const weft_host *h, const weft_package *p, char *list)
{
    weft_error     err = {.hdr = WEFT_HDR(weft_error)}; /* the encoder runs without the file */
    const plg_keys k = plg_keys_of(h, p, GENERATION, "lang_to_id.", &err);
    const weft_language *l;
    size_t               used = 0;
    int32_t              there = 0;
    list[0] = '\0';
    if (plg_keys_has_file(&k, &there) != WEFT_OK || !there)
        return;
    for (uint32_t i = 0; (l = weft_language_at(i)) != NULL && used + 4 < VOX_LANGUAGES_BYTES; i++) {
        char    key[16];
        int64_t id = -1;
        snprintf(key, sizeof key, "<|%s|>", l->code);
        if (plg_keys_i64(&k, key, 0, INT32_MAX, &id) == WEFT_OK && id >= 0)
            used += (size_t)snprintf(list + used, VOX_LANGUAGES_BYTES - used, "%s%s",
                                     used > 0 ? "," : "", l->code);
    }
}
