/* SPDX-License-Identifier: Apache-2.0 */
/* A picture and a recording that are in no directory. */
#include "bench/bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#define RATE 16000
#define WAV_HEAD 44

static int to_file(const uint8_t *data, size_t bytes)
{
    int fd = memfd_create("weft-bench", MFD_CLOEXEC);
    for (size_t at = 0; fd >= 0 && at < bytes;) {
        ssize_t n = write(fd, data + at, bytes - at);
        if (n <= 0) {
            close(fd);
            return -1;
        }
        at += (size_t)n;
    }
    return fd;
}

static void put_be(uint8_t *to, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void put_le(uint8_t *to, uint32_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (uint8_t)(v >> (8 * i));
}

/* A chunk whose data are in place behind its length and type. Its end. */
static uint8_t *end_chunk(uint8_t *chunk, const char *type, uint32_t bytes)
{
    put_be(chunk, bytes);
    memcpy(chunk + 4, type, 4);
    put_be(chunk + 8 + bytes, (uint32_t)crc32(crc32(0, NULL, 0), chunk + 4, bytes + 4));
    return chunk + 12 + bytes;
}

/* 8-bit RGB of noise in rows without a filter (PNG specification, 11.2 and 12.1). */
static uint8_t *noise_rows(size_t side)
{
    size_t   row = 1 + 3 * side;
    uint8_t *raw = malloc(row * side);
    uint32_t state = 1;
    for (size_t i = 0; raw != NULL && i < row * side; i++) {
        state = state * 1664525u + 1013904223u;
        raw[i] = i % row == 0 ? 0 : (uint8_t)(state >> 24);
    }
    return raw;
}

int bench_made_picture(int32_t side)
{
    static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    size_t               n = (size_t)side, bytes = (1 + 3 * n) * n;
    uLongf               packed = compressBound((uLong)bytes);
    uint8_t             *raw = noise_rows(n), *png = malloc(packed + 128), *p = png;
    int                  fd = -1;
    if (raw != NULL && png != NULL) {
        memcpy(p, signature, sizeof signature);
        p += sizeof signature;
        put_be(p + 8, (uint32_t)side);
        put_be(p + 12, (uint32_t)side);
        memcpy(p + 16, (const uint8_t[5]){8, 2, 0, 0, 0}, 5);
        p = end_chunk(p, "IHDR", 13);
        if (compress2(p + 8, &packed, raw, (uLong)bytes, 1) == Z_OK) {
            p = end_chunk(p, "IDAT", (uint32_t)packed);
            p = end_chunk(p, "IEND", 0);
            fd = to_file(png, (size_t)(p - png));
        }
    }
    free(raw);
    free(png);
    return fd;
}

int bench_made_recording(double seconds)
{
    uint32_t n = (uint32_t)(seconds * RATE), bytes = 2 * n;
    uint8_t *wav = malloc(WAV_HEAD + bytes);
    int      fd = -1;
    if (wav == NULL)
        return -1;
    memcpy(wav, "RIFF    WAVEfmt ", 16);
    put_le(wav + 4, WAV_HEAD - 8 + bytes, 4);
    put_le(wav + 16, 16, 4);
    put_le(wav + 20, 1, 2); /* PCM */
    put_le(wav + 22, 1, 2); /* channel */
    put_le(wav + 24, RATE, 4);
    put_le(wav + 28, 2 * RATE, 4);
    put_le(wav + 32, 2, 2);
    put_le(wav + 34, 16, 2);
    memcpy(wav + 36, "data", 4);
    put_le(wav + 40, bytes, 4);
    for (uint32_t i = 0; i < n; i++) {
        double t = (double)i / RATE;
        double v =
            sin(1382.0 * t) + sin(4398.0 * t + sin(40.0 * t)); /* two tones, one that wavers */
        put_le(wav + WAV_HEAD + 2 * (size_t)i, (uint32_t)(int32_t)(8000.0 * v), 2);
    }
    fd = to_file(wav, WAV_HEAD + (size_t)bytes);
    free(wav);
    return fd;
}
