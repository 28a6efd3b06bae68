/* SPDX-License-Identifier: Apache-2.0 */
/* Which directories are of models that read pages (granite-docling). config.json does
 * not tell them from SmolVLM's; their vocabulary does, and it is looked at for the literal token:
 * the tokenizer itself is another plugin's, and may be another model's where a core is composed. */
#include "idefics3.h"

#define AT_ONCE 16384
#define LONGEST 18 /* of the spellings */

/* Not all writers of JSON leave < and > as they are. */
static int32_t has_token(const char *bytes, size_t n)
{
    static const char *const spellings[] = {"<doctag>", "\\u003cdoctag\\u003e",
                                            "\\u003Cdoctag\\u003E"};
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++)
        if (memmem(bytes, n, spellings[i], strlen(spellings[i])) != NULL)
            return 1;
    return 0;
}

static int32_t file_has_token(const weft_host *h, const weft_package *p, const char *file)
{
    const weft_if_package *package = h->get_interface(h, WEFT_IF_PACKAGE);
    weft_source            s = {.hdr = WEFT_HDR(weft_source)};
    char                   bytes[AT_ONCE];
    uint64_t               offset = 0;
    if (package->open(h, p, file, &s, NULL) != WEFT_OK)
        return 0;
    for (;;) { /* each time the end of what was read before too, where a token may begin */
        const int64_t n = s.read_at(s.ctx, offset, bytes, sizeof bytes);
        if (n > 0 && has_token(bytes, (size_t)n))
            return 1;
        if (n < LONGEST)
            return 0;
        offset += (uint64_t)n - (LONGEST - 1);
    }
}

int32_t id3_reads_pages(const weft_host *h, const weft_package *p)
{
    return file_has_token(h, p, "tokenizer_config.json") || file_has_token(h, p, "tokenizer.json");
}
