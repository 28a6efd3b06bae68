/* SPDX-License-Identifier: Apache-2.0 */
/* What the model saw, for a person: a contact sheet as PNG. */
#ifndef WEFT_CLI_PREVIEW_H
#define WEFT_CLI_PREVIEW_H

#include "weft/weft.h"

/* The pictures that the item's encoder is given (a clip's frames, a picture's tiles) side by side
 * into path, whole or not at all. The exit code; failures are said. */
int32_t cli_preview_write(const weft_item *item, const char *path);

#endif
