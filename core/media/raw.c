/* SPDX-License-Identifier: Apache-2.0 */
/* The header of a WAV (Multimedia Programming Interface, 1991). */
#include "core/media/raw.h"

#include <stdio.h>
#include <string.h>

#include "core/io/text.h"

typedef struct layout {
    const char *name;
    uint32_t    tag, bytes; /* WAV's number of the codec, and the bytes of a sample */
} layout;

static const layout layouts[] = {
    {"u8", 1, 1},    {"s16le", 1, 2}, {"s24le", 1, 3}, {"s32le", 1, 4},
    {"f32le", 3, 4}, {"f64le", 3, 8}, {"alaw", 6, 1},  {"mulaw", 7, 1},
};

static void put(uint8_t **at, uint32_t value, int n)
{
    for (int i = 0; i < n; i++)
        *(*at)++ = (uint8_t)(value >> (8 * i));
}

static void put_text(uint8_t **at, const char *four)
{
    memcpy(*at, four, 4);
    *at += 4;
}

static void write_header(const layout *l, uint32_t rate, uint32_t channels, uint8_t *at)
{
    const uint32_t frame = l->bytes * channels, unknown = UINT32_MAX; /* until the file ends */
    put_text(&at, "RIFF");
    put(&at, unknown, 4);
    put_text(&at, "WAVE");
    put_text(&at, "fmt ");
    put(&at, 16, 4);
    put(&at, l->tag, 2);
    put(&at, channels, 2);
    put(&at, rate, 4);
    put(&at, rate * frame, 4);
    put(&at, frame, 2);
    put(&at, 8 * l->bytes, 2);
    put_text(&at, "data");
    put(&at, unknown, 4);
}

weft_status wf_raw_header(const char *text, uint8_t header[WF_RAW_BYTES], weft_error *err)
{
    char     name[8];
    unsigned rate = 0, channels = 0;
    int      used = 0;
    if (sscanf(text, "%7[a-z0-9],%6u,%2u%n", name, &rate, &channels, &used) == 3 &&
        text[used] == '\0' && rate >= 1000 && rate <= 384000 && channels >= 1 && channels <= 8)
        for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++)
            if (strcmp(name, layouts[i].name) == 0) {
                write_header(&layouts[i], rate, channels, header);
                return WEFT_OK;
            }
    return wf_fail_stage(err,
                         wf_fail(err, WEFT_E_INVALID,
                                 "--raw-audio %.60s: FORMAT,RATE,CHANNELS is wanted, as in "
                                 "s16le,16000,1; FORMAT is u8, s16le, s24le, s32le, f32le, f64le, "
                                 "alaw or mulaw",
                                 wf_quote(text).s),
                         WEFT_STAGE_USAGE);
}
