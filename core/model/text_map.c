/* SPDX-License-Identifier: Apache-2.0 */
/* A text map, looked at whole when it comes. */
#include "core/model/text_map.h"

#include <stdio.h>
#include <string.h>

#define PREFIX_BYTES 400u /* leaves room for the rest of a tensor's name */
#define MAX_EXTRA (1 << 20)
#define MAX_RANK 4096

/* A name that may not be absent. */
static bool name_fault(const char *field, const char *name, char *text, size_t cap)
{
    if (name != NULL && strnlen(name, PREFIX_BYTES) < PREFIX_BYTES)
        return false;
    snprintf(text, cap, "%s %s", field, name == NULL ? "NULL" : "without an end within 400 bytes");
    return true;
}

static bool extra_fault(const weft_text_map *m, char *text, size_t cap)
{
    if (m->extra_rows < 0 || m->extra_rows > MAX_EXTRA) {
        snprintf(text, cap, "extra_rows %d (0 to %d are possible)", m->extra_rows, MAX_EXTRA);
        return true;
    }
    return m->extra_rows > 0 && (name_fault("extra_embedding", m->extra_embedding, text, cap) ||
                                 name_fault("extra_head", m->extra_head, text, cap));
}

/* A number of its own that a core may have. */
static bool number_fault(const char *field, float v, char *text, size_t cap)
{
    if (v == 0 || (v >= 1e-6f && v <= 1e6f))
        return false;
    snprintf(text, cap, "%s %g (0, or 1e-6 to 1e6, are possible)", field, (double)v);
    return true;
}

static bool numbers_fault(const weft_text_map *m, char *text, size_t cap)
{
    if (number_fault("embedding_scale", m->embedding_scale, text, cap) ||
        number_fault("attention_scale", m->attention_scale, text, cap) ||
        number_fault("residual_scale", m->residual_scale, text, cap) ||
        number_fault("logits_divisor", m->logits_divisor, text, cap))
        return true;
    if ((m->flags & ~WEFT_TEXT_QKV_BIAS) == 0)
        return false;
    snprintf(text, cap, "flags 0x%x, of which this host knows 0x%x", m->flags, WEFT_TEXT_QKV_BIAS);
    return true;
}

static bool update_fault(const weft_text_map *m, char *text, size_t cap)
{
    const uint32_t all = WEFT_UPDATE_Q | WEFT_UPDATE_K | WEFT_UPDATE_V;
    if (m->update_rank == 0)
        return false;
    if (m->update_rank < 0 || m->update_rank > MAX_RANK) {
        snprintf(text, cap, "update_rank %d (0 to %d are possible)", m->update_rank, MAX_RANK);
        return true;
    }
    if (name_fault("update_file", m->update_file, text, cap) ||
        name_fault("update_prefix", m->update_prefix, text, cap) ||
        name_fault("update_stream", m->update_stream, text, cap))
        return true;
    if (strpbrk(m->update_file, "/\\") != NULL) {
        snprintf(text, cap, "update_file \"%.100s\" (a plain file name)", m->update_file);
        return true;
    }
    if (!(m->update_scale >= -1e6f && m->update_scale <= 1e6f)) {
        snprintf(text, cap, "update_scale %g (-1e6 to 1e6 are possible)", (double)m->update_scale);
        return true;
    }
    if (m->update_of != 0 && (m->update_of & ~all) == 0)
        return false;
    snprintf(text, cap, "update_of 0x%x (1 to 0x%x are possible)", m->update_of, all);
    return true;
}

bool wf_text_map_fault(const weft_text_map *m, char *text, size_t cap)
{
    if (!WEFT_HAS(m, weft_text_map, extra_head) || m->hdr.size > sizeof *m) {
        snprintf(text, cap, "hdr.size %u (this host's has %zu bytes)", m->hdr.size, sizeof *m);
        return true;
    }
    if (name_fault("config_path", m->config_path, text, cap) ||
        name_fault("prefix", m->prefix, text, cap) || name_fault("head", m->head, text, cap) ||
        extra_fault(m, text, cap) || numbers_fault(m, text, cap) || update_fault(m, text, cap))
        return true;
    if (m->n_layers < 1 || m->n_layers > WF_MAX_LAYERS) {
        snprintf(text, cap, "n_layers %d (1 to %d are possible)", m->n_layers, WF_MAX_LAYERS);
        return true;
    }
    if (m->layers != NULL)
        return false;
    snprintf(text, cap, "layers NULL");
    return true;
}

bool wf_text_map_layers(const weft_text_map *m, int32_t n_layers, char *text, size_t cap)
{
    if (m->n_layers > n_layers) {
        snprintf(text, cap, "n_layers %d, and num_hidden_layers is %d", m->n_layers, n_layers);
        return true;
    }
    for (int32_t i = 0; i < m->n_layers; i++) {
        if (m->layers[i] >= 0 && m->layers[i] < n_layers &&
            (i == 0 || m->layers[i] > m->layers[i - 1]))
            continue;
        snprintf(text, cap, "layers[%d] %d (ascending, below num_hidden_layers %d)", i,
                 m->layers[i], n_layers);
        return true;
    }
    return false;
}
