/* SPDX-License-Identifier: Apache-2.0 */
/* Which directories are of models that read pages (granite-docling). config.json does
 * not tell them from SmolVLM's; their vocabulary does, and it is looked at for the literal token:
 * the tokenizer itself is another plugin's, and may be another model's where a core is composed. */
#include "idefics3.h"

#define TOKEN "<doctag>"
#define AT_ONCE 16384

static int32_t file_has_token(const weft_host *h, const weft_package *p, const char *file)
{
    const weft_if_package *package = h->get_interface(h, WEFT_IF_PACKAGE);
    const size_t           n_token = sizeof TOKEN - 1;
    weft_source            s = {.hdr = WEFT_HDR(weft_source)};
    char                   bytes[AT_ONCE];
    uint64_t               offset = 0;
    if (package->open(h, p, file, &s, NULL) != WEFT_OK)
        return 0;
    for (;;) { /* each time the end of what was read before too, where a token may begin */
        const int64_t n = s.read_at(s.ctx, offset, bytes, sizeof bytes);
        if (n < (int64_t)n_token)
            return 0;
        if (memmem(bytes, (size_t)n, TOKEN, n_token) != NULL)
            return 1;
        offset += (uint64_t)n - (n_token - 1);
    }
}

int32_t id3_reads_pages(const weft_host *h, const weft_package *p)
{
    return file_has_token(h, p, "tokenizer_config.json") || file_has_token(h, p, "tokenizer.json");
}
