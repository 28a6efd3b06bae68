/* SPDX-License-Identifier: Apache-2.0 */
/* Formats that people have and no decoder here reads, told by the first bytes of a file. */
#ifndef WF_KNOWN_H
#define WF_KNOWN_H

#include "core/base/status.h"

/* Looks for a well-known format in the first n bytes of a file that no decoder knows. Where there
 * is one, fills *err with a sentence that names it and says what to do, and returns UNSUPPORTED for
 * a medium and for the pointer of git-lfs, NOTFOUND for a document or archive. kind is the kind
 * that was asked for: of "audio" only formats that hold sound are told, of another kind only the
 * pointer; NULL: all. hint ends what is said of a picture: where decoders are (wf_registry_hint).
 * WEFT_OK: the bytes are of no such format. [any] */
weft_status wf_known_format(const uint8_t *head, uint64_t n, const char *kind, const char *hint,
                            weft_error *err);

#endif
