/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a recording that cannot be opened or read on. */
#include "sound.h"
#include "weft/sdk.h"

#include <inttypes.h>

const char *spk_sound_name(const spk_sound *s)
{
    return spk_format_name(s->format);
}

weft_status spk_sound_too_long(const spk_sound *s, weft_error *err)
{
    return weft_fail(err, WEFT_E_LIMIT,
                     "the %s has more than %" PRIu64 " samples; cut it, or raise "
                     "--max-samples",
                     spk_sound_name(s), s->max_samples);
}

weft_status spk_sound_source_failed(const spk_sound *s, weft_error *err)
{
    if (s->bytes.status == WEFT_E_CANCELLED)
        return weft_fail(err, WEFT_E_CANCELLED, "reading the %s was cancelled", spk_sound_name(s));
    return weft_fail(err, s->bytes.status, "the %s could not be read after sample %" PRIu64,
                     spk_sound_name(s), s->done);
}

/* The sentence for a codec that is not read. */
static weft_status codec_unsupported(const spk_sound *s, const char *codec, weft_error *err)
{
    return weft_fail(err, WEFT_E_UNSUPPORTED,
                     "the %s's sound is coded as %s, which is not read here; convert it to plain "
                     "WAV or FLAC",
                     spk_sound_name(s), codec);
}

/* Whether libsndfile reads coded WAVs of this number: both kinds of ADPCM, GSM, G.721 and MP3. */
static int is_read(uint32_t tag)
{
    return tag == 0x0002 || tag == 0x0011 || tag == 0x0031 || tag == 0x0040 || tag == 0x0055;
}

/* The codec that the header names where it is none that libsndfile reads: a failure then says
 * nothing of the file's health. room [room_bytes] is for names that are made up here. NULL: none.
 */
static const char *foreign_codec(const spk_sound *s, char *room, size_t room_bytes)
{
    if (s->format == SPK_FORMAT_AIFF)
        return spk_aiff_codec(&s->aiff) ? s->aiff.codec : NULL;
    if (s->format != SPK_FORMAT_WAV || s->wav.tag == 0 ||
        (is_read(s->wav.tag) && sf_error(NULL) != SF_ERR_UNSUPPORTED_ENCODING))
        return NULL;
    const char *name = spk_wav_codec(s->wav.tag);
    snprintf(room, room_bytes, "%s%s0x%04x%s", name != NULL ? name : "number ",
             name != NULL ? " (" : "", s->wav.tag, name != NULL ? ")" : "");
    return room;
}

/* libsndfile's own messages speak of its internals, so only the class of its error is used. */
weft_status spk_sound_unreadable(const spk_sound *s, weft_error *err)
{
    char        room[64];
    const char *codec = foreign_codec(s, room, sizeof room);
    if (s->bytes.status != WEFT_OK)
        return spk_sound_source_failed(s, err);
    if (codec != NULL && sf_error(NULL) != SF_ERR_SYSTEM)
        return codec_unsupported(s, codec, err);
    int error = sf_error(NULL);
    if (s->format == SPK_FORMAT_OGG && error != SF_ERR_SYSTEM)
        error = SF_ERR_UNSUPPORTED_ENCODING; /* its pages are whole: libsndfile fails on codecs */
    switch (error) {
    case SF_ERR_UNSUPPORTED_ENCODING:
        return weft_fail(err, WEFT_E_UNSUPPORTED,
                         "the %s uses a codec that is not read here; convert "
                         "it to plain WAV or FLAC",
                         spk_sound_name(s));
    case SF_ERR_SYSTEM:
        return weft_fail(err, WEFT_E_NOMEM, "there is not enough memory to open the %s",
                         spk_sound_name(s));
    default:
        return weft_fail(err, WEFT_E_CORRUPT,
                         "the %s's header is damaged or cut short; get a complete "
                         "copy",
                         spk_sound_name(s));
    }
}
