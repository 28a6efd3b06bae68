/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses the stream that is read. */
#include "clip.h"

#include "weft/languages.h"
#include "weft/sdk.h"

#include <libavutil/avstring.h>
#include <stdlib.h>

int clip_is_cover(const AVStream *s)
{
    return (s->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
}

/* The file has no stream of the wanted type that could be read: it is of another kind, or damaged.
 */
static weft_status no_stream(const clip_dec *d, enum AVMediaType wanted, weft_error *err)
{
    int ours = 0, others = 0;
    for (unsigned i = 0; i < d->demuxer->nb_streams; i++) {
        const AVStream  *s = d->demuxer->streams[i];
        enum AVMediaType type = s->codecpar->codec_type;
        ours += type == wanted && !clip_is_cover(s);
        others += type == AVMEDIA_TYPE_AUDIO || type == AVMEDIA_TYPE_VIDEO;
    }
    if (ours == 0 && others > 0)
        return weft_fail(err, WEFT_E_NOTFOUND, "the file has no %s stream",
                         d->kind == CLIP_AUDIO ? "sound" : "video");
    return weft_fail(err, WEFT_E_CORRUPT,
                     "no stream of the %s can be made out; it is damaged or something else",
                     d->what);
}

static const char *language_of(const AVStream *s)
{
    const AVDictionaryEntry *e = av_dict_get(s->metadata, "language", NULL, 0);
    return e != NULL ? e->value : "";
}

/* Whether a track of this number (from 1) and language is the one asked for. A language is told by
 * its name or a code of ISO 639, whichever of them the file has; or by the file's own word for it,
 * or the part of that before a hyphen. */
static int is_asked_for(const char *asked, int number, const char *language)
{
    char  *end;
    long   n = strtol(asked, &end, 10);
    size_t whole = strlen(language), part = strcspn(language, "-");
    if (*asked != '\0' && *end == '\0')
        return n == number;
    const weft_language *l = weft_language_find(asked);
    if (l != NULL && l == weft_language_find(language))
        return 1;
    return (strlen(asked) == whole || strlen(asked) == part) &&
           av_strncasecmp(asked, language, strlen(asked)) == 0;
}

/* "1 (eng), 2 (deu)": the tracks that there are. */
static void list_tracks(const clip_dec *d, char *text, size_t room)
{
    size_t used = 0;
    int    number = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < d->demuxer->nb_streams && used + 32 < room; i++) {
        const AVStream *s = d->demuxer->streams[i];
        if (s->codecpar->codec_type != AVMEDIA_TYPE_AUDIO)
            continue;
        int n = snprintf(text + used, room - used, "%s%d", number > 0 ? ", " : "", number + 1);
        used += (size_t)n;
        const char *language = language_of(s);
        size_t      letters = strspn(language, "abcdefghijklmnopqrstuvwxyz"
                                                    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
        if (letters > 0 && letters < 16)
            used += (size_t)snprintf(text + used, room - used, " (%.*s)", (int)letters, language);
        number++;
    }
}

static AVStream *asked_track(const clip_dec *d)
{
    int number = 0;
    for (unsigned i = 0; i < d->demuxer->nb_streams; i++) {
        AVStream *s = d->demuxer->streams[i];
        if (s->codecpar->codec_type == AVMEDIA_TYPE_AUDIO &&
            is_asked_for(d->track, ++number, language_of(s)))
            return s;
    }
    return NULL;
}

weft_status clip_find_stream(clip_dec *d, weft_error *err)
{
    enum AVMediaType type = d->kind == CLIP_AUDIO ? AVMEDIA_TYPE_AUDIO : AVMEDIA_TYPE_VIDEO;
    int              best = av_find_best_stream(d->demuxer, type, -1, -1, NULL, 0);
    AVStream        *s = best >= 0 ? d->demuxer->streams[best] : NULL;
    if (s == NULL || clip_is_cover(s))
        return no_stream(d, type, err);
    if (d->kind == CLIP_AUDIO && d->track[0] != '\0') {
        char text[200];
        s = asked_track(d);
        list_tracks(d, text, sizeof text);
        if (s == NULL)
            return weft_fail(err, WEFT_E_UNSUPPORTED,
                             "the recording has no track %s; its tracks are %s", d->track, text);
    }
    d->stream = s;
    for (unsigned k = 0; k < d->demuxer->nb_streams; k++)
        if (d->demuxer->streams[k] != s)
            d->demuxer->streams[k]->discard = AVDISCARD_ALL;
    return WEFT_OK;
}
