/* SPDX-License-Identifier: Apache-2.0 */
/* The guarantees of soft_rows.h with the recordings of Voxtral. */
#define MODEL "model=" FIXTURE("voxtral/mini")
#define PARITY FIXTURE("voxtral/mini/parity-two.safetensors")

#include "soft_rows.h"
