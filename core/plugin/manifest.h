/* SPDX-License-Identifier: Apache-2.0 */
/* The manifest of a plugin file, read from its ELF note without running anything of it. */
#ifndef WF_MANIFEST_H
#define WF_MANIFEST_H

#include <stdbool.h>

#include "core/base/status.h"
#include "weft/plugin.h"

#define WF_MANIFEST_MAX 4096u /* bytes of its text */

typedef struct wf_manifest {
    char    *text; /* owned: the storage of the strings below */
    char    *id, *version;
    uint32_t abi_major, abi_minor;
    char   **components;     /* "decoder:png", ... */
    char   **architectures;  /* values of config.json's "architectures" */
    char   **links;          /* DT_NEEDED beyond libc and libm */
    char   **needs, **gives; /* services: ids of weft/services.h */
    char   **kinds;          /* of media that its decoders give; none: not said */
    char   **magic;          /* "0:89504e47", the bytes of their files; none: not said */
    uint32_t n_components, n_architectures, n_links, n_needs, n_gives, n_kinds, n_magic, reserved;
    char *unknown; /* owned: "the key colour" or "the component kind decodr", the first thing that
                      no version of this host's has; NULL: nothing */
} wf_manifest;

/* Reads the note from fd, a regular file of `bytes` bytes; name is for messages. Every offset is
 * checked against bytes. CORRUPT: not a whole ELF library, or a bad manifest; UNSUPPORTED: another
 * machine's or word size; NOTFOUND: no manifest. Also compares `links` with DT_NEEDED (INVALID). On
 * failure *out is empty. The ABI is not judged here: wf_manifest_check_abi. */
weft_status wf_manifest_read(int fd, uint64_t bytes, const char *name, wf_manifest *out,
                             weft_error *err);
void        wf_manifest_free(wf_manifest *m); /* empty is fine */

/* The text of a manifest alone (n bytes, not terminated). Used by wf_manifest_read. */
weft_status wf_manifest_parse(const char *text, uint64_t n, const char *name, wf_manifest *out,
                              weft_error *err);
/* Does a host of that ABI load a plugin of the first one? Any minor from the oldest that is kept up
 * to the host's own. */
bool wf_abi_accepts(uint32_t major, uint32_t minor, uint32_t host_major, uint32_t host_minor);
/* VERSION with both versions where this host cannot load it. */
weft_status wf_manifest_check_abi(const wf_manifest *m, const char *name, weft_error *err);

/* Does the component line "decoder:png" name the kind "weft.decoder/1"? A line may also spell a
 * kind in full ("org.example.thing/1:name"). */
bool wf_manifest_kind_is(const char *component, const char *kind);
bool wf_manifest_offers(const wf_manifest *m, const char *kind);
/* magic.c. Is it "OFFSET:HEX" with whole bytes, where '.' stands for any digit? */
bool wf_magic_ok(const char *text);
/* May a file of these first bytes be for its decoders, and may they give that kind (NULL: any)? */
bool wf_manifest_may_decode(const wf_manifest *m, const uint8_t *head, uint64_t n,
                            const char *kind);
bool wf_manifest_claims(const wf_manifest *m, const char *architecture);

#endif
