/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a file of the package byte by byte, through one block of memory, so that a large file does
 * not take memory of its size. The limit holds for the bytes that arrive, whatever length the file
 * is said to have. */
#include "base.h"

/* A directory that was cloned without git-lfs has small texts in the place of its large files. */
static weft_status check_pointer(const txt_reader *r, weft_error *err)
{
    static const char begins[] = "version https://git-lfs";
    char              head[sizeof begins - 1];
    int64_t           n = r->source.read_at(r->source.ctx, 0, head, sizeof head);
    if (n < 0)
        return weft_fail(err, (weft_status)n, "%s cannot be read", r->name);
    if (n != (int64_t)sizeof head || memcmp(head, begins, sizeof head) != 0)
        return WEFT_OK;
    return weft_fail(err, WEFT_E_CORRUPT,
                     "%s is a git-lfs pointer, and the file itself is not here: get it with "
                     "\"git lfs pull\"",
                     r->name);
}

weft_status txt_reader_open_source(const weft_host *h, const weft_source *source, const char *name,
                                   uint64_t max_bytes, txt_reader *out, weft_error *err)
{
    memset(out, 0, sizeof *out);
    out->host = h;
    out->name = name;
    out->max_bytes = max_bytes;
    out->source = *source;
    if (out->source.length(out->source.ctx) > (int64_t)max_bytes)
        return weft_fail(err, WEFT_E_LIMIT,
                         "%s is longer than the %llu bytes that such a file may have", name,
                         (unsigned long long)max_bytes);
    out->block = h->alloc(h, TXT_BLOCK, 16);
    if (out->block == NULL)
        return txt_fail_nomem(err, TXT_BLOCK);
    out->line = 1;
    weft_status status = check_pointer(out, err);
    if (status != WEFT_OK)
        txt_reader_close(out);
    return status;
}

weft_status txt_reader_open(const weft_host *h, const weft_package *p, const char *file,
                            uint64_t max_bytes, txt_reader *out, weft_error *err)
{
    const weft_if_package *package = h->get_interface(h, WEFT_IF_PACKAGE);
    weft_source            source = {.hdr = WEFT_HDR(weft_source)};
    memset(out, 0, sizeof *out);
    weft_status s = package->open(h, p, file, &source, err);
    return s == WEFT_OK ? txt_reader_open_source(h, &source, file, max_bytes, out, err) : s;
}

static weft_status refill(txt_reader *r, weft_error *err)
{
    int64_t got = r->source.read_at(r->source.ctx, r->at, r->block, TXT_BLOCK);
    if (got < 0)
        return weft_fail(err, (weft_status)got, "%s cannot be read", r->name);
    if (got > TXT_BLOCK)
        return weft_fail(err, WEFT_E_INTERNAL, "%s: the host gave more bytes than were asked for",
                         r->name);
    r->at += (uint64_t)got;
    r->pos = 0;
    r->end = (uint32_t)got;
    if (r->at > r->max_bytes)
        return weft_fail(err, WEFT_E_LIMIT,
                         "%s is longer than the %llu bytes that such a file may have", r->name,
                         (unsigned long long)r->max_bytes);
    return WEFT_OK;
}

weft_status txt_reader_next(txt_reader *r, int *byte, weft_error *err)
{
    if (r->pos == r->end) {
        weft_status s = refill(r, err);
        if (s != WEFT_OK)
            return s;
        if (r->end == 0) {
            *byte = -1;
            return WEFT_OK;
        }
    }
    if (r->ended_line) { /* not before: an error at the line feed belongs to the line it ends */
        r->line++;
        r->column = 0;
    }
    *byte = r->block[r->pos++];
    r->column++;
    r->ended_line = *byte == '\n';
    return WEFT_OK;
}

void txt_reader_close(txt_reader *r)
{
    if (r->host != NULL)
        r->host->free(r->host, r->block);
    r->block = NULL;
}
