/* SPDX-License-Identifier: Apache-2.0 */
/* org.example.sensors: a table of sensor readings as a sense of the text model. Shared by its
 * files. */
#ifndef SENSORS_H
#define SENSORS_H

#include <weft/sdk.h>

#define SENSORS_KIND "org.example.readings"
#define SENSORS_STREAM "org.example.sensors/rows"
#define SENSORS_MAX_CHANNELS 16

extern const weft_decoder  sensors_decoder;  /* csv.c */
extern const weft_modality sensors_modality; /* modality.c */

#endif
