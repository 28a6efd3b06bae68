/* SPDX-License-Identifier: Apache-2.0 */
/* The structs of the plugin ABI against layout.inc, in C and in C++: it compiles, or the bytes that
 * plugins of other compilers and other releases rely on have moved. all_headers.h is written by
 * check_headers.sh. */
#include "all_headers.h"

#ifdef __cplusplus
#define ASSERT_SAME(is, was, what) static_assert((is) == (was), what)
#else
#define ASSERT_SAME(is, was, what) _Static_assert((is) == (was), what)
#endif

#define LAYOUT_SIZE(type, size) ASSERT_SAME(sizeof(struct type), size, "the size of " #type);
#define LAYOUT_FIELD(type, field, at, size)                                                        \
    ASSERT_SAME(offsetof(struct type, field), at, "the place of " #type "." #field);               \
    ASSERT_SAME(sizeof(((struct type *)0)->field), size, "the size of " #type "." #field);

#include "layout.inc"
