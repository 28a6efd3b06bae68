/* SPDX-License-Identifier: Apache-2.0 */
/* What --plan and model inspect print. */
#include "output/show.h"

#include <stdio.h>
#include <string.h>

#include "exit.h"
#include "output/json.h"
#include "output/out.h"
#include "output/say.h"

#define BYTES_CAP 32u

const char *cli_bytes(uint64_t bytes, char *buf, size_t cap)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double                   v = (double)bytes;
    int                      unit = 0;
    while (v >= 1024.0 && unit < 4) {
        v /= 1024.0;
        unit++;
    }
    snprintf(buf, cap, unit == 0 ? "%.0f %s" : "%.1f %s", v, units[unit]);
    return buf;
}

static const char *or_dash(const char *text)
{
    return text != NULL ? text : "-";
}

static void show_memory(const weft_engine_info *d)
{
    const char *const name[] = {"weights", "keys and values", "one step", "total"};
    const uint64_t    bytes[] = {d->weight_bytes, d->kv_bytes, d->step_bytes, d->total_bytes};
    char              text[BYTES_CAP];
    for (int i = 0; i < 4; i++)
        cli_outf("%-13s %-16s %12s %20llu bytes\n", i == 0 ? "memory" : "", name[i],
                 cli_bytes(bytes[i], text, sizeof text), (unsigned long long)bytes[i]);
}

int32_t cli_show_engine(const weft_engine *e)
{
    weft_engine_info d = {.hdr = WEFT_HDR(weft_engine_info)};
    weft_error       err = CLI_ERROR_INIT;
    if (weft_engine_describe(e, &d, &err) != WEFT_OK)
        return cli_say_error(&err);
    cli_outf("model         %s\narchitecture  %s\n", or_dash(d.model), or_dash(d.architecture));
    cli_outf("runs as       weights %s, keys and values %s, on %s (%s), %d threads\n",
             or_dash(d.dtype), or_dash(d.kv_dtype), or_dash(d.device), or_dash(d.isa),
             (int)d.n_threads);
    cli_outf("text core     %d layers of %d, feed-forward %d, %d heads on %d of %d\n",
             (int)d.n_layers, (int)d.d_model, (int)d.d_ffn, (int)d.n_heads, (int)d.n_kv_heads,
             (int)d.head_dim);
    cli_outf("vocabulary    %d%s\ncontext       %d of %d tokens\n", (int)d.vocab,
             d.tied != 0 ? ", head tied to the embedding" : "", (int)d.context,
             (int)d.max_positions);
    cli_outf("parameters    text core %llu, cross-attention %llu, encoders %llu\n",
             (unsigned long long)d.core_parameters, (unsigned long long)d.site_parameters,
             (unsigned long long)d.encoder_parameters);
    show_memory(&d);
    return CLI_EXIT_OK;
}

static void show_type(void *ctx, const weft_stored_info *s)
{
    int *n = ctx;
    char text[BYTES_CAP], change[64] = "as they are";
    if (s->error > 0)
        snprintf(change, sizeof change, "off by %.2f %% (root mean square)", 100.0 * s->error);
    cli_outf("%-13s %-8s %6llu tensors %12s  held as %s, %s\n", (*n)++ == 0 ? "stored" : "",
             s->type, (unsigned long long)s->tensors, cli_bytes(s->bytes, text, sizeof text),
             s->held, change);
}

int32_t cli_show_stored(const weft_engine *e)
{
    weft_error err = CLI_ERROR_INIT;
    int        n = 0;
    return weft_engine_stored(e, show_type, &n, &err) == WEFT_OK ? CLI_EXIT_OK
                                                                 : cli_say_error(&err);
}

void cli_show_sites(const weft_engine *e)
{
    weft_site_info s = {.hdr = WEFT_HDR(weft_site_info)};
    for (uint32_t i = 0; weft_engine_site(e, i, &s) != 0; i++) {
        if (i == 0)
            cli_outf("\n%5s %5s  %-16s %-16s %-20s %12s  %s\n", "layer", "order", "kind", "stream",
                     "plugin", "parameters", "name");
        cli_outf("%5d %5d  %-16s %-16s %-20s %12llu  %s\n", (int)s.layer, (int)s.order,
                 or_dash(s.kind), or_dash(s.stream), or_dash(s.plugin),
                 (unsigned long long)s.parameters, or_dash(s.name));
    }
}

/* "<|a|>...<|b|>", into buf: what stands around the rows of an item. */
static const char *around(const weft_marker_info *m, char *buf, size_t cap)
{
    if (m->before == NULL && m->after == NULL)
        return "-";
    snprintf(buf, cap, "%s...%s", m->before != NULL ? m->before : "",
             m->after != NULL ? m->after : "");
    return buf;
}

void cli_show_markers(const weft_engine *e)
{
    weft_marker_info m = {.hdr = WEFT_HDR(weft_marker_info)};
    char             text[256], seen[64];
    for (uint32_t i = 0; weft_engine_marker(e, i, &m) != 0; i++) {
        if (i == 0)
            cli_outf("\n%7s  %-32s %-20s %-16s %-34s %s\n", "id", "marker", "stream", "plugin",
                     "seen", "enclosed in");
        if (m.end_id >= 0)
            snprintf(seen, sizeof seen, "%s or token %d", m.seen, (int)m.end_id);
        else
            snprintf(seen, sizeof seen, "%s", m.seen);
        cli_outf("%7d  %-32s %-20s %-16s %-34s %s\n", (int)m.token_id, or_dash(m.token),
                 or_dash(m.stream), or_dash(m.plugin), seen, around(&m, text, sizeof text));
    }
}

static void show_inputs(const weft_item *item)
{
    const char *name;
    weft_tensor t;
    for (uint32_t i = 0; weft_item_input(item, i, &name, &t) != 0; i++) {
        cli_outf("  input   %s [", name);
        for (int32_t d = 0; d < t.ndim; d++)
            cli_outf("%s%lld", d > 0 ? ", " : "", (long long)t.shape[d]);
        cli_outf("]\n");
    }
}

void cli_show_item(const char *path, const weft_item *item)
{
    weft_item_info d = {.hdr = WEFT_HDR(weft_item_info)};
    char           in[BYTES_CAP], out[BYTES_CAP], kv[BYTES_CAP], scratch[BYTES_CAP];
    if (weft_item_describe(item, &d, NULL) != WEFT_OK)
        return;
    cli_outf("\n%s: %s", path, or_dash(d.kind));
    if (d.width > 0)
        cli_outf(" of %d x %d", (int)d.width, (int)d.height);
    cli_outf(", read by %s, encoded by %s\n", or_dash(d.decoder), or_dash(d.modality));
    show_inputs(item);
    if (d.n_parts > 0 && strcmp(or_dash(d.kind), "image") == 0)
        cli_outf("  tiles   %lld of %lld, %lld rows each\n", (long long)d.n_parts,
                 (long long)d.max_parts, (long long)(d.n_rows / d.n_parts));
    if (cli_item_frames(item) > 0)
        cli_outf("  frames  %lld, merged into %lld of %lld rows each\n",
                 (long long)cli_item_frames(item), (long long)d.n_parts,
                 (long long)(d.n_parts > 0 ? d.n_rows / d.n_parts : 0));
    cli_outf("  tokens  %lld in the text, %lld rows that the text can attend to\n",
             (long long)d.n_placeholders, (long long)d.n_rows);
    cli_outf("  memory  input %s, output %s, keys and values %s, encoder %s\n",
             cli_bytes(d.input_bytes, in, sizeof in), cli_bytes(d.output_bytes, out, sizeof out),
             cli_bytes(d.kv_bytes, kv, sizeof kv),
             cli_bytes(d.scratch_bytes, scratch, sizeof scratch));
}
