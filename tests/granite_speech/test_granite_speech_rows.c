/* SPDX-License-Identifier: Apache-2.0 */
/* The guarantees of soft_rows.h with the tokens of Granite Speech. */
#define MODEL "model=" FIXTURE("granite-speech/plain")
#define PARITY FIXTURE("granite-speech/plain/parity-two.safetensors")

#include "soft_rows.h"
