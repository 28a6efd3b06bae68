/* SPDX-License-Identifier: Apache-2.0 */
/* The recording of tools/make_ultravox_fixtures.py: a wandering triangle and noise, louder and
 * softer, with stretches of silence. From whole numbers, so that both get the same bits. */
#ifndef TEST_ULTRAVOX_SOUND_H
#define TEST_ULTRAVOX_SOUND_H

#include <stdint.h>

/* Its first n samples at 16 kHz; the caller frees them. */
float *sound_make(int64_t n);

#endif
