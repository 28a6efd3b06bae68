/* SPDX-License-Identifier: Apache-2.0 */
/* The guarantees of soft_rows.h with the recordings of Ultravox. */
#define MODEL "@" FIXTURE("ultravox/v05/weft.ini")
#define PARITY FIXTURE("ultravox/v05/parity.safetensors")
#define MORE FIXTURE("ultravox/v05/parity-321.safetensors")

#include "tests/model/soft_rows.h"
