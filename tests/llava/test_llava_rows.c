/* SPDX-License-Identifier: Apache-2.0 */
/* The guarantees of soft_rows.h with the pictures of LLaVA. */
#define MODEL "model=" FIXTURE("llava/clip")
#define PARITY FIXTURE("llava/clip/parity-two.safetensors")

#include "soft_rows.h"
