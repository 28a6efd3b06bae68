/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as they come: lines of a table, or an object each. */
#include "bench/bench.h"

#include <string.h>

#include "exit.h"
#include "output/json.h"
#include "output/out.h"

static json_t *optional(double v)
{
    return v > 0 ? cli_json_real(v) : json_null();
}

static int32_t print_json(const bench_result *r)
{
    json_t *o = json_pack("{so so so so so si so}", "name", cli_json_string(r->name), "value",
                          cli_json_real(r->value), "unit", cli_json_string(r->unit), "limit",
                          optional(r->limit), "share", optional(r->share), "threads",
                          (int)r->threads, "isa", cli_json_string(r->isa));
    json_t *more =
        json_pack("{so so so so si so}", "limit_now", optional(r->limit_now), "share_now",
                  optional(r->share_now), "min", cli_json_real(r->min), "max",
                  cli_json_real(r->max), "runs", (int)r->runs, "shape", cli_json_string(r->shape));
    if (r->layers > 0 && more != NULL)
        json_object_set_new(more, "layers", json_integer(r->layers));
    if (o == NULL || more == NULL || json_object_update(o, more) != 0) {
        json_decref(o);
        o = NULL;
    }
    json_decref(more);
    return cli_json_print(NULL, o) ? CLI_EXIT_OK : CLI_EXIT_MEMORY;
}

/* Of fewer layers than the shape has, that is said. */
static void print_layers(const bench_result *r)
{
    if (r->layers > 0 && r->layers < r->of_layers)
        cli_outf(", %d of %d layers", r->layers, r->of_layers);
}

static void print_line(const bench_result *r)
{
    cli_outf("%-24s %10.4g %-12s", r->name, r->value, r->unit);
    if (r->limit > 0)
        cli_outf("%10.4g %5.1f %%", r->limit, 100 * r->share);
    else
        cli_outf("%10s %7s", "", "");
    if (r->share_now > 0)
        cli_outf(" %5.1f %%", 100 * r->share_now);
    else
        cli_outf("%8s", "");
    cli_outf("  %dt", r->threads);
    if (r->isa != NULL)
        cli_outf(" %s", r->isa);
    if (r->shape != NULL)
        cli_outf(", %s", r->shape);
    print_layers(r);
    cli_outf("\n");
}

int32_t bench_print(const bench *b, const bench_result *r)
{
    int32_t code = CLI_EXIT_OK;
    if (cli_has(b->c, OWN_JSON))
        code = print_json(r);
    else
        print_line(r);
    cli_out_flush();
    return code;
}
