/* SPDX-License-Identifier: Apache-2.0 */
/* A module of a few instructions, given as text, behind a head that loads what they work with: %r0
 * the thread, %r1 in[thread], %q0 and %q1 the addresses of out and in, %q2 and %q3 those of the
 * thread's word in them, %q4 and %q5 those of its four words, %r2 the shared memory, %r3 and %r4
 * the thread's word and four words of that. The function is t(out, in). */
#ifndef TEXT_HEAD_H
#define TEXT_HEAD_H

#include <stdint.h>
#include <stdio.h>

#define WORDS 512
#define TAIL 6 /* bytes behind in[] that are defined, of 16 that are there */
static uint32_t in[WORDS + 4], out[WORDS];

static inline void text_module(const char *body, const char *target, char *text, size_t room)
{
    snprintf(text, room,
             ".version 8.1\n.target %s\n.address_size 64\n"
             ".visible .entry t(.param .u64 y, .param .u64 x)\n{\n"
             ".reg .pred %%p<8>;\n.reg .b16 %%h<8>;\n.reg .b32 %%r<40>;\n.reg .f32 %%f<8>;\n"
             ".reg .b64 %%q<16>;\n.shared .align 16 .b8 s[4096];\n"
             "ld.param.u64 %%q0, [y];\nld.param.u64 %%q1, [x];\nmov.u32 %%r0, %%tid.x;\n"
             "mad.wide.u32 %%q2, %%r0, 4, %%q0;\nmad.wide.u32 %%q3, %%r0, 4, %%q1;\n"
             "mad.wide.u32 %%q4, %%r0, 16, %%q0;\nmad.wide.u32 %%q5, %%r0, 16, %%q1;\n"
             "mov.u32 %%r2, s;\nshl.b32 %%r3, %%r0, 2;\nadd.s32 %%r3, %%r3, %%r2;\n"
             "shl.b32 %%r4, %%r0, 4;\nadd.s32 %%r4, %%r4, %%r2;\nld.global.u32 %%r1, [%%q3];\n"
             "%s\nret;\n}\n",
             target, body);
}

#endif
