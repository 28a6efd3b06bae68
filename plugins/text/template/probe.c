/* SPDX-License-Identifier: Apache-2.0 */
/* What form of content a template can read. There are templates for strings, for lists of parts and
 * for both, and nothing in a directory says which, so the template is run on a message of one word.
 */
#include "run.h"

#define WORD "weftprobe"

/* Whether the word is in what became of the message, and its part is not printed as a whole. */
static bool writes_word(const tpl_template *t, const tpl_run_request *like, int media)
{
    const weft_part    part = {WEFT_HDR(weft_part), WORD, sizeof WORD - 1, -1, 0};
    const weft_message m = {WEFT_HDR(weft_message), "user", &part, 1, 0};
    tpl_run_request    rq = *like;
    tpl_result         out = {.text.host = t->s.host, .origin.host = t->s.host};
    rq.m = &m;
    rq.n_messages = 1;
    rq.media = media;
    bool writes = tpl_render(t, &rq, &out, NULL) == WEFT_OK && out.text.n != 0 &&
                  memmem(out.text.p, out.text.n, WORD, sizeof WORD - 1) != NULL &&
                  memmem(out.text.p, out.text.n, "'" WORD, sizeof WORD) == NULL &&
                  memmem(out.text.p, out.text.n, "\"" WORD, sizeof WORD) == NULL;
    txt_buf_free(&out.text);
    txt_buf_free(&out.origin);
    return writes;
}

void tpl_probe(const tpl_template *t, const tpl_run_request *rq, bool *strings, bool *lists)
{
    *strings = writes_word(t, rq, TPL_MEDIA_MARKS);
    *lists = writes_word(t, rq, TPL_MEDIA_TEXTS);
}
