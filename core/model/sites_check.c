/* SPDX-License-Identifier: Apache-2.0 */
/* What plugins declare, looked at before it is believed. */
#include "core/model/sites_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/running.h"
#include "weft/utf8.h"

#define MAX_SITES 256
#define MAX_MARKERS 32
#define TOKEN_BYTES 256u
#define MAX_ID (1 << 25) /* twice the largest vocabulary that is read */

/* A declaration that no model makes right is its plugin's mistake. */
static weft_status __attribute__((format(printf, 2, 3)))
nonsense(weft_error *err, const char *fmt, ...)
{
    char    text[sizeof err->message];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    wf_running_mark(WF_MISUSED);
    return wf_fail(err, WEFT_E_INVALID, "%s", text);
}

/* A struct that the plugin declares ends before what this host's has. */
static weft_status too_short(const char *owner, const char *name, const weft_hdr *hdr, size_t size,
                             weft_error *err)
{
    return nonsense(err, "%s declares a %s of %u bytes where this ABI has %zu", owner, name,
                    hdr != NULL ? hdr->size : 0, size);
}

static weft_status check_xattn(const char *owner, const weft_hook_site *s, weft_error *err)
{
    const weft_xattn *x = s->xattn;
    if (x == NULL)
        return nonsense(err, "%s: site %s describes no cross-attention", owner, s->name);
    if (!WEFT_HAS(x, weft_xattn, gate_ffn))
        return too_short(owner, "weft_xattn", &x->hdr, sizeof *x, err);
    if (x->n_heads < 1 || x->n_heads > 65536 || x->n_kv_heads < 1 ||
        x->n_heads % x->n_kv_heads != 0 || x->head_dim < 1 || x->head_dim > 4096 || x->d_src < 1 ||
        x->d_src > 1 << 24 || x->d_ffn < 0 || x->d_ffn > 1 << 24)
        return nonsense(err, "%s: site %s has impossible sizes", owner, s->name);
    if (x->blind_rows > WEFT_BLIND_FFN_ONLY)
        return nonsense(err, "%s: site %s treats blind rows in an unknown way (%u)", owner, s->name,
                        x->blind_rows);
    bool norms = (x->flags & WEFT_XATTN_QK_NORM) == 0 || (x->norm_q != NULL && x->norm_k != NULL);
    bool ffn = x->d_ffn == 0 ||
               (x->norm_ffn != NULL && x->w_gate != NULL && x->w_up != NULL && x->w_down != NULL);
    if (x->w_q == NULL || x->w_k == NULL || x->w_v == NULL || x->w_o == NULL ||
        x->norm_in == NULL || !norms || !ffn)
        return nonsense(err, "%s: site %s names too few weights", owner, s->name);
    return WEFT_OK;
}

weft_status wf_site_check(const wf_hooks *h, const char *owner, int32_t n_layers,
                          const weft_hook_site *s, weft_error *err)
{
    if (!WEFT_HAS(s, weft_hook_site, name))
        return too_short(owner, "weft_hook_site", s != NULL ? &s->hdr : NULL, sizeof *s, err);
    if (s->name == NULL || s->stream == NULL)
        return nonsense(err, "%s declares a site without name or stream", owner);
    if (h->frozen || h->n_sites == MAX_SITES)
        return wf_fail(err, WEFT_E_STATE, "%s: site %s comes too late or is one too many", owner,
                       s->name);
    if (s->kind == WEFT_HOOK_SOFT_TOKENS)
        return s->layer == -1
                   ? WEFT_OK
                   : nonsense(err, "%s: soft tokens %s are not at layer -1", owner, s->name);
    if (s->kind != WEFT_HOOK_XATTN)
        return nonsense(err, "%s: site %s is of unknown kind %u", owner, s->name, s->kind);
    if (s->layer < 0)
        return nonsense(err, "%s: site %s is at layer %d", owner, s->name, s->layer);
    if (s->layer > n_layers) /* an adapter made for a longer text core */
        return wf_fail(err, WEFT_E_INVALID, "%s: site %s is at layer %d of %d", owner, s->name,
                       s->layer, n_layers);
    return check_xattn(owner, s, err);
}

/* What makes a text one that no token can be; NULL: nothing. */
static const char *token_fault(const char *token)
{
    size_t n = strnlen(token, TOKEN_BYTES);
    if (n == 0)
        return "is empty";
    if (n == TOKEN_BYTES)
        return "has no end within 256 bytes";
    if (weft_utf8_prefix(token, n) != n)
        return "is not UTF-8";
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)token[i] < ' ' || token[i] == 127)
            return "holds a control character";
    return NULL;
}

static weft_status check_tokens(const char *owner, const weft_marker *m, weft_error *err)
{
    const char *const token[] = {m->token, m->before, m->after};
    const char *const what[] = {"token", "before", "after"};
    for (int i = 0; i < 3; i++) {
        const char *why = token[i] != NULL ? token_fault(token[i]) : NULL;
        if (why != NULL)
            return nonsense(err, "%s declares a marker whose %s %s", owner, what[i], why);
    }
    return WEFT_OK;
}

static weft_status check_ids(const char *owner, const weft_marker *m, weft_error *err)
{
    if (m->token_id < -1 || m->token_id > MAX_ID)
        return nonsense(err, "%s: marker %s has token_id %d (-1 to %d)", owner, m->token,
                        m->token_id, MAX_ID);
    if ((m->flags & WEFT_MARKER_ENDS) != 0 && (m->end_id < 0 || m->end_id > MAX_ID))
        return nonsense(err, "%s: marker %s has end_id %d (0 to %d)", owner, m->token, m->end_id,
                        MAX_ID);
    if (m->embedding_weight != NULL && m->embedding_row < 0)
        return nonsense(err, "%s: marker %s has embedding_row %lld", owner, m->token,
                        (long long)m->embedding_row);
    return WEFT_OK;
}

/* An item's place in the text must tell whose item it is. */
static weft_status check_others(const wf_hooks *h, const char *owner, const weft_marker *m,
                                weft_error *err)
{
    for (int32_t i = 0; i < h->n_markers; i++) {
        const wf_marker *o = &h->markers[i];
        if (strcmp(o->token, m->token) == 0)
            return wf_fail(err, WEFT_E_CONFLICT, "%s and %s both have the marker %s", o->owner,
                           owner, m->token);
        if (m->token_id >= 0 && o->token_id == m->token_id)
            return wf_fail(err, WEFT_E_CONFLICT, "markers %s (%s) and %s (%s) are both token %d",
                           o->token, o->owner, m->token, owner, m->token_id);
    }
    return WEFT_OK;
}

weft_status wf_marker_check(const wf_hooks *h, const char *owner, const weft_marker *m,
                            weft_error *err)
{
    if (!WEFT_HAS(m, weft_marker, end_id))
        return too_short(owner, "weft_marker", m != NULL ? &m->hdr : NULL, sizeof *m, err);
    if (m->token == NULL || m->stream == NULL)
        return nonsense(err, "%s declares a marker without token or stream", owner);
    weft_status status = check_tokens(owner, m, err);
    if (status != WEFT_OK)
        return status;
    if (m->visibility < WEFT_VIS_UNTIL_NEXT_GROUP || m->visibility > WEFT_VIS_UNTIL_NEXT)
        return nonsense(err, "%s: marker %s has unknown visibility %u", owner, m->token,
                        m->visibility);
    if (h->frozen || h->n_markers == MAX_MARKERS)
        return wf_fail(err, WEFT_E_STATE, "%s: marker %s comes too late or is one too many", owner,
                       m->token);
    status = check_ids(owner, m, err);
    return status == WEFT_OK ? check_others(h, owner, m, err) : status;
}
