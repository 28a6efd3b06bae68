/* SPDX-License-Identifier: Apache-2.0 */
/* Tiles of AMX, as few operations as the kernels need. There are eight tiles, 0..7, of up to 16
 * rows of 64 bytes each; a configuration says how much of each is used. Every operand that names a
 * tile is a literal digit. Tiles are a thread's own: a kernel configures them before it begins and
 * releases them when it ends, so that nothing of them outlives a call.
 *
 * With WF_TILE_EMULATED the same operations are plain C (tile_emulated.h), for machines that have
 * no AMX: a kernel is written once, and its tests run everywhere.
 *
 * The real ones are assembly. gcc 12 declares only 8 of the 64 bytes that its intrinsic for the
 * configuration reads, so that it leaves out the stores which fill the others; here the whole
 * struct is an operand. "memory" keeps loads and stores of tiles in their place among the
 * compiler's own.
 *
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapter 18, and
 * volume 2 under the names of the instructions. */
#ifndef WF_CPU_TILE_H
#define WF_CPU_TILE_H

#include <stdint.h>

#define WF_TILE_ROWS 16  /* of a tile, at most */
#define WF_TILE_BYTES 64 /* of a row, at most */

/* What ldtilecfg reads. Tiles with 0 rows and 0 bytes are not there, and rows and row_bytes beyond
 * 7 stay 0. */
typedef struct wf_tile_config {
    uint8_t  palette /* 1 */, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t  rows[16];
} wf_tile_config;
_Static_assert(sizeof(wf_tile_config) == 64, "ldtilecfg reads 64 bytes");

#if defined(WF_TILE_EMULATED)
#include "core/device/cpu/tile_emulated.h"
#else

/* Sets the shapes, and all tiles to zero. c is a wf_tile_config, not its address. */
#define WF_TILE_CONFIGURE(c) __asm__ volatile("ldtilecfg %0" : : "m"(c) : "memory")
/* c: where the shapes in force are written. */
#define WF_TILE_READ_CONFIG(c) __asm__ volatile("sttilecfg %0" : "=m"(c) : : "memory")
#define WF_TILE_RELEASE() __asm__ volatile("tilerelease" : : : "memory")
#define WF_TILE_ZERO(t) __asm__ volatile("tilezero %%tmm" #t : :)

/* Rows of a tile from and to memory, stride bytes apart. */
#define WF_TILE_AT(p, stride) "r"(p), "r"((int64_t)(stride))
#define WF_TILE_LOAD(t, p, stride)                                                                 \
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #t : : WF_TILE_AT(p, stride) : "memory")
#define WF_TILE_STORE(t, p, stride)                                                                \
    __asm__ volatile("tilestored %%tmm" #t ", (%0,%1,1)" : : WF_TILE_AT(p, stride) : "memory")

/* c [m, n] += a [m, k] b [k, n], where an element of a and b is two bf16 and one of c an f32. */
#define WF_TILE_BF16(c, a, b) __asm__ volatile("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #c : :)
/* The same of four bytes, with a sign in a and none in b, and int32. */
#define WF_TILE_SU8(c, a, b) __asm__ volatile("tdpbsud %%tmm" #b ", %%tmm" #a ", %%tmm" #c : :)

#endif
#endif
