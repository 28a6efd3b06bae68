/* SPDX-License-Identifier: Apache-2.0 */
/* The guarantees of soft_rows.h with the tiles of Idefics3. */
#define MODEL "model=" FIXTURE("idefics3/untied")
#define PARITY FIXTURE("idefics3/untied/parity-tiles.safetensors")

#include "soft_rows.h"
