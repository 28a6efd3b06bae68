/* SPDX-License-Identifier: Apache-2.0 */
/* A registry that knows only the files it is given, and expectations about one bad file. */
#ifndef TEST_LOADER_BENCH_H
#define TEST_LOADER_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/base/log.h"
#include "core/host/host.h"
#include "core/plugin/registry.h"
#include "tests/plugin/scratch.h"

extern char logged[4096]; /* warnings of the code under test */
void        on_log(void *ctx, int32_t level, const char *text);

/* A registry that knows only the given files, by --plugin. */
typedef struct bench {
    weft_settings *settings;
    wf_hosts       hosts;
    wf_registry   *registry;
} bench;

void assert_matches(const char *text, const char *pattern);
void bench_open(bench *b, const char *const *paths);
void bench_close(bench *b);
void fixture_path(char path[512], const char *name);
void refuse(const char *path, weft_status status, const char *pattern);
void load_good(void);

#endif
