/* SPDX-License-Identifier: Apache-2.0 */
/* Carries out the instructions of AMX on a CPU that has none. Such a CPU stops at them with SIGILL;
 * the handler reads the instruction, does on emulated tiles what the manual says (Intel SDM volume
 * 2, under the names below), and goes on behind it. So what the assembler made of tile.h is run and
 * not only compiled: operands in their order, addresses, shapes. */
#include "amx.h"

#if defined(__x86_64__)
#include <signal.h>
#include <ucontext.h>

#include "core/base/cpu.h"
#include "core/device/cpu/quant.h"
#include "core/device/cpu/tile_emulated.h"

static _Thread_local wf_tiles tiles;

/* A VEX instruction of the map 0f 38, of three bytes of prefix: all that AMX has. */
typedef struct instruction {
    uint8_t  prefix; /* 0: none, 1: 66, 2: f3, 3: f2 */
    uint8_t  opcode;
    int      reg, rm, third; /* of modrm, and vvvv */
    bool     memory;
    int64_t  base, index; /* of an address: base with its offset, and the index times its scale */
    uint32_t bytes;
} instruction;

static int64_t register_of(const ucontext_t *u, int number)
{
    static const int places[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                 REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                 REG_R12, REG_R13, REG_R14, REG_R15};
    return u->uc_mcontext.gregs[places[number]];
}

static int32_t offset_at(const uint8_t *p, int mod)
{
    int32_t wide;
    memcpy(&wide, p, 4);
    return mod == 1 ? (int8_t)*p : mod == 2 ? wide : 0;
}

/* The address behind modrm at p[4]. */
static void read_address(const ucontext_t *u, const uint8_t *p, instruction *i)
{
    int mod = p[4] >> 6, rm = p[4] & 7, high_b = (~p[1] & 0x20) >> 2, high_x = (~p[1] & 0x40) >> 3;
    i->bytes = 5;
    if (rm == 4) {
        int sib = p[5], base = sib & 7, index = (sib >> 3 & 7) | high_x;
        i->bytes = 6;
        i->index = index == 4 ? 0 : register_of(u, index) * (1 << (sib >> 6));
        if (mod == 0 && base == 5)
            i->base = offset_at(p + 6, 2);
        else
            i->base = register_of(u, base | high_b) + offset_at(p + 6, mod);
        i->bytes += mod == 0 && base == 5 ? 4 : 0;
    } else if (mod == 0 && rm == 5) {
        i->bytes = 9; /* from the instruction behind */
        i->base = (int64_t)(uintptr_t)p + 9 + offset_at(p + 5, 2);
    } else {
        i->base = register_of(u, rm | high_b) + offset_at(p + 5, mod);
    }
    i->bytes += mod == 1 ? 1 : mod == 2 ? 4 : 0;
}

static bool read_instruction(const ucontext_t *u, instruction *i)
{
    const uint8_t *p = (const uint8_t *)(uintptr_t)u->uc_mcontext.gregs[REG_RIP];
    /* c4, the map 0f 38 and no R (tiles have three bits); W and L are 0. */
    if (p[0] != 0xc4 || (p[1] & 0x9f) != 0x82 || (p[2] & 0x84) != 0)
        return false;
    *i = (instruction){.prefix = p[2] & 3,
                       .opcode = p[3],
                       .reg = p[4] >> 3 & 7,
                       .rm = p[4] & 7,
                       .third = (~p[2] >> 3) & 15,
                       .memory = p[4] >> 6 != 3,
                       .bytes = 5};
    if (i->memory)
        read_address(u, p, i);
    return true;
}

static void *address(const instruction *i)
{
    return (void *)(uintptr_t)(i->base + i->index);
}

/* 49: ldtilecfg, sttilecfg, tilerelease, tilezero. */
static bool do_configuration(const instruction *i)
{
    static const wf_tile_config none;
    if (i->third != 0)
        return false;
    if (i->memory && i->reg == 0 && i->prefix == 0)
        return wf_tiles_configure(&tiles, address(i));
    if (i->memory && i->reg == 0 && i->prefix == 1) {
        memcpy(address(i), &tiles.config, sizeof tiles.config);
        return true;
    }
    if (!i->memory && i->reg == 0 && i->rm == 0 && i->prefix == 0)
        return wf_tiles_configure(&tiles, &none);
    return !i->memory && i->prefix == 3 && i->rm == 0 && wf_tiles_zero(&tiles, i->reg);
}

/* 4b: tileloadd, tileloaddt1, tilestored. An address without an index register has stride 0. */
static bool do_memory(const instruction *i)
{
    void *p = (void *)(uintptr_t)i->base;
    if (!i->memory || i->rm != 4 || i->third != 0)
        return false;
    if (i->prefix == 3 || i->prefix == 1)
        return wf_tiles_load(&tiles, i->reg, p, i->index);
    return i->prefix == 2 && wf_tiles_store(&tiles, i->reg, p, i->index);
}

/* 5c: tdpbf16ps; 5e: tdpbsud. */
static bool do_product(const instruction *i)
{
    if (i->memory || i->prefix != 2)
        return false;
    return i->opcode == 0x5c ? wf_tiles_bf16(&tiles, i->reg, i->rm, i->third)
                             : wf_tiles_su8(&tiles, i->reg, i->rm, i->third);
}

static bool do_instruction(const instruction *i)
{
    if (i->opcode == 0x49)
        return do_configuration(i);
    if (i->opcode == 0x4b)
        return do_memory(i);
    return (i->opcode == 0x5c || i->opcode == 0x5e) && do_product(i);
}

/* What is no instruction of a tile, or one that AMX would refuse, ends the program as ever. */
static void on_illegal(int sig, siginfo_t *info, void *context)
{
    ucontext_t *u = context;
    instruction i;
    (void)info;
    if (!read_instruction(u, &i) || !do_instruction(&i))
        signal(sig, SIG_DFL);
    else
        u->uc_mcontext.gregs[REG_RIP] += i.bytes;
}

int amx_traps(void)
{
    return (wf_cpu_detect() & WEFT_CPU_AMX) == 0;
}

void amx_trap(void)
{
    struct sigaction act;
    memset(&act, 0, sizeof act);
    act.sa_sigaction = on_illegal;
    act.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigemptyset(&act.sa_mask);
    (void)sigaction(SIGILL, &act, NULL);
}

int amx_trapped_init(wf_ops *ops)
{
    uint64_t below = 0, all = 0;
    (void)wf_cpu_mask("avx512bf16", &below, NULL);
    (void)wf_cpu_mask("amx", &all, NULL);
    if ((below & ~wf_cpu_detect()) != 0 || !amx_traps())
        return 0;
    wf_ops_init(ops, below);
    wf_ops_init_amx(ops, all);
    wf_quant_init_amx(ops, all);
    return 1;
}
#else
int amx_traps(void)
{
    return 0;
}

void amx_trap(void)
{
}

int amx_trapped_init(wf_ops *ops)
{
    (void)ops;
    return 0;
}
#endif
