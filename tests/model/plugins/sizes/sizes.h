/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin as one of a later minor would be: every struct that it gives the host has LATER bytes
 * behind what this header knows. The environment variable WEFT_TEST_SIZES says what they hold:
 * "zeros" or "wild"; or "short weft_NAME", and that struct ends 8 bytes too early.
 *
 * Each struct that the host hands it is looked at, and "handed weft_NAME" or "wrong weft_NAME"
 * is logged. */
#ifndef TEST_SIZES_H
#define TEST_SIZES_H

#include <weft/sdk.h>

#define KIND "org.example.sizes"
#define STREAM "sizes/soft"
#define STREAM_CROSS "sizes/cross"
#define HEAD 5 /* bytes of a file before its rows: "SIZES" */
#define MAX_ROWS 64
#define LATER 32

/* A struct of a later minor. */
#define GROWN(T)                                                                                   \
    struct {                                                                                       \
        T       known;                                                                             \
        uint8_t later[LATER];                                                                      \
    }

/* Sets the size of a grown struct and fills what is behind what is known of it. */
void sizes_grow(void *p, size_t known, const char *name);
#define GROW(T, p) sizes_grow((p), sizeof(T), #T)

/* Tells of a struct of the host's, whose size has to be this header's. */
void sizes_handed(const weft_host *h, const void *p, size_t size, const char *name);
#define HANDED(h, T, p) sizes_handed((h), (p), sizeof(T), #T)

/* Of a plugin's own tables: grown when the plugin is entered. */
typedef GROWN(weft_decoder) grown_decoder;
typedef GROWN(weft_segmenter) grown_segmenter;
typedef GROWN(weft_tokenizer) grown_tokenizer;
typedef GROWN(weft_checkpoint) grown_checkpoint;
extern grown_decoder    sizes_decoder;
extern grown_segmenter  sizes_segmenter;
extern grown_tokenizer  sizes_tokenizer;
extern grown_checkpoint sizes_checkpoint;

#endif
