/* SPDX-License-Identifier: Apache-2.0 */
/* The table of models for people, for programs, and as a page. */
#include <inttypes.h>
#include <string.h>

#include "models/models.h"
#include "output/json.h"
#include "output/out.h"

/* Bytes of a parameter, in 32nds: groups of 32 elements of q8 take 34 bytes, of q4 20. */
#define BF16_32 64u
#define Q8_32 34u
#define Q4_32 20u

uint64_t cli_release_bytes(const cli_release *r, cli_weights format)
{
    uint64_t linear = r->text - r->tables, tables, rest = r->encoders * BF16_32;
    if (format == CLI_WEIGHTS_BF16)
        return (r->text * BF16_32 + rest) / 32;
    tables = r->tables * Q8_32; /* embedding and head are q8 in both */
    return (linear * (format == CLI_WEIGHTS_Q8 ? Q8_32 : Q4_32) + tables + rest) / 32;
}

static bool takes_clips(const cli_release *r)
{
    return strstr(r->family->takes, "clips") != NULL;
}

/* A position's limit tells Llama 3 from Llama 3.1; where no release has the model's, it has been
 * changed and tells nothing. */
static size_t drop_other_contexts(const cli_release **out, size_t n, int32_t context)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (out[i]->context == context)
            out[kept++] = out[i];
    return kept > 0 ? kept : n;
}

size_t cli_releases_of(const cli_numbers *of, const cli_release **out)
{
    size_t n = 0;
    for (const cli_release *r = cli_releases; r->name != NULL && n < CLI_RELEASES_ALIKE; r++)
        if (r->text == of->text && r->encoders == of->encoders && takes_clips(r) == of->clips)
            out[n++] = r;
    return drop_other_contexts(out, n, of->context);
}

const char *cli_release_folder(const cli_release *r)
{
    return strchr(r->repository, '/') + 1;
}

static const char *folder_of(const char *repository)
{
    return strchr(repository, '/') + 1;
}

static const char *proof_of(const cli_release *r)
{
    return r->family->proof == CLI_PROOF_RUN
               ? "proven against the reference on released weights, those of the smallest"
               : "proven against the reference's code on random weights; released weights not run "
                 "here";
}

static double gb(const cli_release *r, cli_weights format)
{
    return (double)cli_release_bytes(r, format) * 1e-9;
}

static bool is_new_family(const cli_release *r)
{
    return r == cli_releases || r[-1].family != r->family;
}

static void fetch_lines(const cli_release *r, const char *indent)
{
    if (r->core != NULL)
        cli_outf("%shf download %s --local-dir %s\n", indent, r->core, folder_of(r->core));
    cli_outf("%shf download %s --local-dir %s\n", indent, r->repository, cli_release_folder(r));
    cli_outf("%s%s\n", indent, r->use);
}

/* ---- for people ---- */

static void text_family(const cli_family *f, bool is_first)
{
    cli_outf("%s%s (%s; %s)\n  %s\n", is_first ? "" : "\n", f->name, f->takes,
             f->plugin != NULL ? f->plugin : "text core", f->about);
}

void cli_models_text(void)
{
    for (const cli_release *r = cli_releases; r->name != NULL; r++) {
        if (is_new_family(r))
            text_family(r->family, r == cli_releases);
        cli_outf("\n  %-30s bf16 %6.1f GB, q8 %5.1f GB, q4 %5.1f GB; %s%s\n", r->name,
                 gb(r, CLI_WEIGHTS_BF16), gb(r, CLI_WEIGHTS_Q8), gb(r, CLI_WEIGHTS_Q4), r->licence,
                 r->gated ? ", accepted on its page first" : "");
        fetch_lines(r, "    ");
    }
}

/* ---- for programs ---- */

static json_t *release_json(const cli_release *r)
{
    return json_pack(
        "{s:s, s:s, s:o, s:s, s:s, s:o, s:I, s:I, s:i, s:b, s:s, s:{s:I, s:I, s:I}, s:s, s:s}",
        "family", r->family->name, "name", r->name, "plugin", cli_json_string(r->family->plugin),
        "takes", r->family->takes, "repository", r->repository, "core", cli_json_string(r->core),
        "text_parameters", (json_int_t)r->text, "encoder_parameters", (json_int_t)r->encoders,
        "context", (int)r->context, "gated", (int)r->gated, "licence", r->licence, "bytes", "bf16",
        (json_int_t)cli_release_bytes(r, CLI_WEIGHTS_BF16), "q8",
        (json_int_t)cli_release_bytes(r, CLI_WEIGHTS_Q8), "q4",
        (json_int_t)cli_release_bytes(r, CLI_WEIGHTS_Q4), "use", r->use, "proof", proof_of(r));
}

bool cli_models_json(void)
{
    json_t *all = json_array();
    for (const cli_release *r = cli_releases; r->name != NULL; r++)
        if (all != NULL && json_array_append_new(all, release_json(r)) != 0) {
            json_decref(all);
            all = NULL;
        }
    return cli_json_print(NULL, all);
}

/* ---- docs/MODELS.md ---- */

static void page_head(void)
{
    cli_outf(
        "# Models\n\n"
        "Written by `weft model list --markdown`; a test compares this page with what it "
        "prints.\n\n"
        "weft runs directories in the layout of Hugging Face. `hf` is the program of Python's "
        "package\n"
        "`huggingface_hub`; Debian and others want Python's packages in an environment of their "
        "own (on\n"
        "Debian: `sudo apt install python3-venv` before):\n\n"
        "```sh\n"
        "python3 -m venv ~/hf && ~/hf/bin/pip install huggingface_hub && PATH=$PATH:~/hf/bin\n"
        "```\n\n"
        "A *gated* model is given to those who have accepted its licence on its page,\n"
        "https://huggingface.co/OWNER/NAME, and then said `hf auth login`.\n\n"
        "Memory is that of the weights, with the encoders in bf16: bf16 as they are stored, "
        "q8 and q4 with\n"
        "`--quantize q8` and `--quantize q4`. Keys and values of the text come on top: `weft "
        "model inspect DIR`\n"
        "counts them, and says whether the model runs on the machine at hand. `weft model "
        "quantize` writes a\n"
        "smaller directory once, so that the large one is not read again.\n");
}

static void page_release(const cli_release *r)
{
    cli_outf("\n### %s\n\n", r->name);
    cli_outf("| parameters | context | bf16 | q8 | q4 | licence | gated "
             "|\n|---|---|---|---|---|---|---|\n");
    cli_outf("| %.2f G", (double)(r->text + r->encoders) * 1e-9);
    if (r->encoders > 0)
        cli_outf(", %.2f G of them encoders", (double)r->encoders * 1e-9);
    cli_outf(" | %" PRId32 " | %.1f GB | %.1f GB | %.1f GB | %s | %s |\n\n```sh\n", r->context,
             gb(r, CLI_WEIGHTS_BF16), gb(r, CLI_WEIGHTS_Q8), gb(r, CLI_WEIGHTS_Q4), r->licence,
             r->gated          ? "yes"
             : r->core != NULL ? "its text model"
                               : "no");
    fetch_lines(r, "");
    cli_outf("```\n");
}

void cli_models_markdown(void)
{
    page_head();
    for (const cli_release *r = cli_releases; r->name != NULL; r++) {
        const cli_family *f = r->family;
        if (is_new_family(r))
            cli_outf("\n## %s\n\n%s Takes: %s%s%s%s. State: %s.\n", f->name, f->about, f->takes,
                     f->plugin != NULL ? " (`" : "", f->plugin != NULL ? f->plugin : "",
                     f->plugin != NULL ? "`)" : "", proof_of(r));
        page_release(r);
    }
}
