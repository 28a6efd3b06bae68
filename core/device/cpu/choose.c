/* SPDX-License-Identifier: Apache-2.0 */
/* From what the CPU has to what it runs with. */
#include "core/device/cpu/choose.h"

#include <stdio.h>
#include <string.h>

#include "core/base/status.h"
#include "core/device/cpu/probe.h"

/* Measured, as multiplications a second by vdpbf16ps over those by the 512-bit f32 multiply-add:
 * AMD families 25 (Zen 4) and 26 (Zen 5) 2.0; Intel family 6 (Sapphire Rapids and its like) 0.5.
 * The test of choose.h measures the machine that it runs on against this. */
static const struct known {
    const char *vendor;
    uint32_t    first, last; /* families */
    int32_t     pays;
} known[] = {{"AuthenticAMD", 25, 26, 1}, {"GenuineIntel", 6, 6, 0}};

int32_t wf_cpu_known_pairs(const wf_cpu_model *m)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(m->vendor, known[i].vendor) == 0 && m->family >= known[i].first &&
            m->family <= known[i].last)
            return known[i].pays;
    return -1;
}

/* Intel family 6. Sapphire Rapids was measured (15); the others have its tile unit, by Intel's
 * optimisation manual. */
static const struct known_tiles {
    uint32_t    model;
    const char *name;
} known_tiles[] = {{143, "Sapphire Rapids"},
                   {207, "Emerald Rapids"},
                   {173, "Granite Rapids"},
                   {174, "Granite Rapids D"}};

static const char *name_of_tiles(const wf_cpu_model *m)
{
    for (size_t i = 0; i < sizeof known_tiles / sizeof *known_tiles; i++)
        if (strcmp(m->vendor, "GenuineIntel") == 0 && m->family == 6 &&
            m->model == known_tiles[i].model)
            return known_tiles[i].name;
    return NULL;
}

int32_t wf_cpu_known_tiles(const wf_cpu_model *m)
{
    return name_of_tiles(m) != NULL ? 1 : -1;
}

double wf_cpu_probe_tiles(void)
{
#if defined(__x86_64__)
    if ((wf_cpu_detect() & WEFT_CPU_AMX) != 0)
        return wf_probe_tiles() / wf_probe_rates().fma;
#endif
    return 0.0;
}

static bool tiles_pay(void)
{
    wf_cpu_model m = wf_cpu_identify();
    int32_t      pays = wf_cpu_known_tiles(&m);
    return pays >= 0 ? pays != 0 : wf_cpu_probe_tiles() >= WF_CPU_TILES_PAY;
}

double wf_cpu_probe_pairs(void)
{
#if defined(__x86_64__)
    if ((wf_cpu_detect() & WEFT_CPU_AVX512BF16) != 0) {
        wf_rates rates = wf_probe_rates();
        return rates.pairs / rates.fma;
    }
#endif
    return 0.0;
}

static bool pairs_pay(void)
{
    wf_cpu_model m = wf_cpu_identify();
    int32_t      pays = wf_cpu_known_pairs(&m);
    return pays >= 0 ? pays != 0 : wf_cpu_probe_pairs() >= WF_CPU_PAIRS_PAY;
}

static uint64_t worth_using(uint64_t have)
{
    uint64_t pairs = have & WEFT_CPU_AVX512BF16;
    if ((have & WEFT_CPU_AMX) != 0 && tiles_pay())
        return have; /* what pairs would do, tiles do */
    have &= ~(uint64_t)WEFT_CPU_AMX;
    if (pairs == 0 || pairs_pay())
        return have;
    return have & ~pairs;
}

weft_status wf_cpu_choose(const char *cpu_mask, const char *isa, wf_cpu_choice *out,
                          weft_error *err)
{
    uint64_t    mask = 0, machine = wf_cpu_detect();
    weft_status status = wf_cpu_mask(cpu_mask, &mask, err);
    *out = (wf_cpu_choice){.have = machine & mask, .fixed = strcmp(isa, "auto") != 0};
    if (status == WEFT_OK && out->fixed)
        status = wf_cpu_mask(isa, &out->flags, err);
    if (status != WEFT_OK)
        return status;
    if (!out->fixed)
        out->flags = worth_using(out->have);
    else if ((out->flags & ~machine) != 0)
        return wf_fail(err, WEFT_E_UNSUPPORTED,
                       "--isa %s: this CPU has no more than %s (or the system keeps it back)", isa,
                       wf_cpu_level_name(machine));
    else if ((out->flags & ~mask) != 0)
        return wf_fail(err, WEFT_E_UNSUPPORTED, "--isa %s: --cpu-mask %s forbids it", isa,
                       cpu_mask);
    return WEFT_OK;
}

/* ---- families, and the flags that their best path may need ---- */

#define VECTORS (WEFT_CPU_AVX2 | WEFT_CPU_AVX512 | WEFT_CPU_NEON)
#define PAIRS (VECTORS | WEFT_CPU_AVX512BF16 | WEFT_CPU_AMX)
#define INTEGERS                                                                                   \
    (WEFT_CPU_AVX2 | WEFT_CPU_AVXVNNI | WEFT_CPU_AVX512VNNI | WEFT_CPU_AMX | WEFT_CPU_NEON |       \
     WEFT_CPU_DOTPROD)

static const struct family {
    const char *name;
    uint64_t    paths; /* levels at which it has a path of its own */
} families[] = {{"linear bf16", PAIRS},
                {"linear f32", VECTORS},
                {"linear q8, q4", INTEGERS},
                {"attention", VECTORS}};

/* A level by the instructions that it has beside those of the levels below it. */
static const char *level_of(uint64_t flags)
{
    static const struct {
        uint64_t    flag;
        const char *name;
    } levels[] = {{WEFT_CPU_AMX, "amx"},
                  {WEFT_CPU_AVX512BF16, "avx512bf16"},
                  {WEFT_CPU_AVX512VNNI, "avx512vnni"},
                  {WEFT_CPU_AVX512, "avx512"},
                  {WEFT_CPU_AVXVNNI, "avxvnni"},
                  {WEFT_CPU_AVX2, "avx2"},
                  {WEFT_CPU_DOTPROD, "dotprod"},
                  {WEFT_CPU_NEON, "neon"}};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if ((flags & levels[i].flag) != 0)
            return levels[i].name;
    return "none";
}

static void why_pairs(const wf_cpu_choice *c, wf_cpu_path *out)
{
    wf_cpu_model m = wf_cpu_identify();
    const char  *rate = (c->flags & WEFT_CPU_AVX512BF16) != 0 ? "faster" : "slower";
    if (wf_cpu_known_pairs(&m) >= 0)
        snprintf(out->why, sizeof out->why,
                 "vdpbf16ps is %s than the f32 multiply-add on %s family %u", rate, m.vendor,
                 m.family);
    else
        snprintf(out->why, sizeof out->why,
                 "vdpbf16ps was measured and is %s here than the f32 multiply-add", rate);
}

static void why_tiles(const wf_cpu_choice *c, wf_cpu_path *out)
{
    wf_cpu_model m = wf_cpu_identify();
    const char  *name = name_of_tiles(&m);
    const char  *rate = (c->flags & WEFT_CPU_AMX) != 0 ? "faster" : "no faster";
    if (name != NULL)
        snprintf(out->why, sizeof out->why,
                 "the tiles of AMX are faster than vectors on %s family %u model %u (%s)", m.vendor,
                 m.family, m.model, name);
    else
        snprintf(out->why, sizeof out->why,
                 "the tiles of AMX were measured and are %s here than vectors", rate);
}

/* Why AMX is not among what the machine has, although the CPU has it; NULL: it has none, or may use
 * it. */
static const char *tiles_kept_back(void)
{
    wf_cpu_tiles tiles = wf_cpu_ask_for_tiles();
    if (tiles == WF_TILES_UNSAVED)
        return "this CPU has AMX, but the system does not save its tiles";
    return tiles == WF_TILES_REFUSED ? "this CPU has AMX, but Linux gave no leave to use it" : NULL;
}

bool wf_cpu_path_at(const wf_cpu_choice *c, uint32_t index, wf_cpu_path *out)
{
    if (index >= sizeof families / sizeof *families)
        return false;
    const struct family *f = &families[index];
    uint64_t             machine = wf_cpu_detect();
    *out = (wf_cpu_path){.family = f->name, .isa = level_of(c->flags & f->paths)};
    bool        pairs_matter = (f->paths & c->have & WEFT_CPU_AVX512BF16) != 0;
    bool        tiles_matter = (f->paths & c->have & WEFT_CPU_AMX) != 0;
    const char *kept_back = (f->paths & WEFT_CPU_AMX) != 0 ? tiles_kept_back() : NULL;
    if (c->fixed)
        snprintf(out->why, sizeof out->why, "--isa names it");
    else if (tiles_matter)
        why_tiles(c, out);
    else if (kept_back != NULL)
        snprintf(out->why, sizeof out->why, "%s", kept_back);
    else if (pairs_matter)
        why_pairs(c, out);
    else if ((machine & f->paths & ~c->have) != 0)
        snprintf(out->why, sizeof out->why, "--cpu-mask allows no more");
    else if (f->paths == INTEGERS &&
             (machine & (WEFT_CPU_NEON | WEFT_CPU_DOTPROD)) == WEFT_CPU_NEON)
        snprintf(out->why, sizeof out->why, "this CPU has no dot product (asimddp in AT_HWCAP)");
    else
        snprintf(out->why, sizeof out->why, "the best that this CPU has for it");
    return true;
}
