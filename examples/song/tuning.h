/* SPDX-License-Identifier: Apache-2.0 */
/* The service org.example.tuning/1: what pitch a note has. Owner: org.example.tuning (tuning.c).
 * Who uses it includes this header and lists the id under needs. */
#ifndef TUNING_H
#define TUNING_H

#include <weft/base.h>

#define TUNING_SERVICE "org.example.tuning/1"

typedef struct tuning_service {
    weft_hdr hdr;
    /* Hz of a MIDI note, 0 to 127; self is what acquire gave. [any] */
    double (*hertz)(void *self, int32_t note);
} tuning_service;

#endif
