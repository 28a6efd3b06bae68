/* SPDX-License-Identifier: Apache-2.0 */
/* A host small enough to read, for driving a plugin's components without the loader: options from a
 * table, packages over a directory or over texts in memory, counted memory whose nth request can
 * fail, and the last log lines. Links jansson and nothing of weft.
 *
 *     fake_host h;
 *     fake_host_init(&h, options, n_options);
 *     weft_package *p = fake_package_open(&h, "tests/fixtures/llama-tied");
 *     ... vtable->create(&h.host, p, &self, &err) ... vtable->destroy(self) ...
 *     assert_int_equal(h.blocks_live, 0);
 *     fake_host_deinit(&h);
 */
#ifndef FAKE_HOST_H
#define FAKE_HOST_H

#include <stdatomic.h>

#include "weft/package.h"
#include "weft/plugin.h"

/* The value of one option as a plugin reads it: i also for bools; s lives as long as the table. */
typedef struct fake_option {
    const char *key;
    int64_t     i;
    double      f;
    const char *s;
} fake_option;

#define FAKE_INTERFACES_MAX 16
#define FAKE_LOG_BYTES 4096

struct fake_package;

typedef struct fake_host {
    weft_host            host; /* first: &h.host is what a plugin gets */
    const fake_option   *options;
    uint32_t             n_options, n_interfaces;
    const char          *interface_id[FAKE_INTERFACES_MAX];
    const void          *interface[FAKE_INTERFACES_MAX];
    struct fake_package *packages;  /* every package opened, newest first */
    void                *slot;      /* the plugin's own pointer */
    uint64_t             cpu_flags; /* what cpu_flags() answers; 0 at first */
    atomic_int           cancelled; /* what cancelled() answers */
    atomic_uint_fast64_t allocs;    /* requests to alloc since init */
    atomic_uint_fast64_t blocks_live, bytes_live, bytes_peak; /* of what the plugin holds */
    uint64_t             fail_at;      /* the request (counted by allocs) that fails; 0: none */
    int                  fail_forever; /* ... and all after it */
    uint64_t             reads, read_fail_at; /* the same for read_at of package files: WEFT_E_IO */
    char log[FAKE_LOG_BYTES]; /* log lines, "W message\n"; what does not fit is dropped */
} fake_host;

/* options may be NULL. Provides weft.options/1 and weft.package/1. */
void fake_host_init(fake_host *h, const fake_option *options, uint32_t n_options);
/* Frees packages; the plugin's own blocks are its to free (see blocks_live). */
void fake_host_deinit(fake_host *h);
/* Adds (or replaces) what get_interface(id) gives: a test's own ops, weights or kernels. */
void fake_host_provide(fake_host *h, const char *id, const void *vtable);
/* The nth request from now (1: the next) fails, and with forever all after it; n 0: off. */
void fake_host_fail_at(fake_host *h, uint64_t n, int forever);

/* A package over directory dir (borrowed; NULL: no directory). Files are read when asked for and
 * stay in memory until fake_host_deinit. */
weft_package *fake_package_open(fake_host *h, const char *dir);
/* A file of the package given by its bytes (copied); takes the place of one of that name.
 * text NULL: the file is absent, whatever the directory has. Not after the file was read. */
void fake_package_put(weft_package *p, const char *file, const void *text, uint64_t bytes);

#endif
