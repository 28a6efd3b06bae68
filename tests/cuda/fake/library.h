/* SPDX-License-Identifier: Apache-2.0 */
/* What the fake driver offers to the fakes of libraries that work on its streams. */
#ifndef FAKE_LIBRARY_H
#define FAKE_LIBRARY_H

#include <stddef.h>
#include <stdint.h>

/* Where device memory lies on the host. reads: it must have been written; else it counts as written
 * from now on. NULL: out of bounds, which the driver has told. */
typedef void *(*fake_reach)(uint64_t at, size_t bytes, int reads);
typedef void (*fake_call)(fake_reach reach, const void *argument);

#define FAKE_SHOWN __attribute__((visibility("default")))
/* Puts f with a copy of its argument behind what the stream has to do, or into the graph that it
 * records. The driver's code of failure, or 0. */
FAKE_SHOWN int fake_cuda_library_call(void *stream, fake_call f, const void *argument,
                                      size_t bytes);
/* Counts a call, and says whether it is the one that shall fail. */
FAKE_SHOWN int fake_cuda_may_fail(void);

#endif
