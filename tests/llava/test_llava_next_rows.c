/* SPDX-License-Identifier: Apache-2.0 */
/* The guarantees of soft_rows.h with the pictures of LLaVA-NeXT, of several tiles each. */
#define MODEL "model=" FIXTURE("llava/next")
#define PARITY FIXTURE("llava/next/parity-two.safetensors")

#include "soft_rows.h"
