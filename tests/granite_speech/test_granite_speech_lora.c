/* SPDX-License-Identifier: Apache-2.0 */
/* The guarantees of soft_rows.h where sound switches a low-rank update of the text core on: a text
 * sequence beside it keeps its bytes. */
#define MODEL "model=" FIXTURE("granite-speech/lora")
#define PARITY FIXTURE("granite-speech/lora/parity-two.safetensors")
#define ROWS_BEFORE_DIFFER

#include "soft_rows.h"
