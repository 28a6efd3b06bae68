/* SPDX-License-Identifier: Apache-2.0 */
/* Shows what the model was shown, for a person to look at: a contact sheet as a PNG file. */
#ifndef WEFT_CLI_PREVIEW_H
#define WEFT_CLI_PREVIEW_H

#include "weft/weft.h"

/* Writes the pictures that the item's encoder is given (the frames of a clip, the tiles of a
 * picture) side by side to the file `path`, as a whole or not at all. Returns the exit code;
 * failures are said. */
int32_t cli_preview_write(const weft_item *item, const char *path);

#endif
