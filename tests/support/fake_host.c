/* SPDX-License-Identifier: Apache-2.0 */
/* The fake host's table, memory, options and log; packages are in fake_package.c. A failure of the
 * host itself (as against one that a test asked for) ends the test program: it is not under test.
 */
#include "tests/support/fake_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fake_package.h"

/* Stands just before each block given out, whatever its alignment. */
typedef struct block_head {
    void    *base;
    uint64_t bytes;
} block_head;

static fake_host *of(const weft_host *host)
{
    return (fake_host *)(uintptr_t)host; /* const in the ABI: a plugin may not change it, we may */
}

static void host_log(const weft_host *host, int32_t level, const char *utf8)
{
    fake_host  *h = of(host);
    const char *letters = "?DIWE";
    size_t      used = strlen(h->log);
    char        letter = level >= 1 && level <= 4 ? letters[level] : letters[0];
    snprintf(h->log + used, sizeof h->log - used, "%c %s\n", letter, utf8);
}

static void note_peak(fake_host *h, uint64_t live)
{
    uint64_t peak = atomic_load(&h->bytes_peak);
    while (live > peak && !atomic_compare_exchange_weak(&h->bytes_peak, &peak, live)) {
    }
}

static void *host_alloc(const weft_host *host, uint64_t bytes, uint64_t align)
{
    fake_host *h = of(host);
    uint64_t   n = atomic_fetch_add(&h->allocs, 1) + 1;
    if (h->fail_at != 0 && (n == h->fail_at || (h->fail_forever && n > h->fail_at)))
        return NULL;
    if (align < 16)
        align = 16;
    if ((align & (align - 1)) != 0 || bytes > (UINT64_C(1) << 40))
        return NULL;
    char *base = malloc((size_t)(bytes + align + sizeof(block_head)));
    if (base == NULL)
        return NULL;
    uintptr_t  at = ((uintptr_t)base + sizeof(block_head) + align - 1) & ~(uintptr_t)(align - 1);
    char      *p = base + (at - (uintptr_t)base);
    block_head head = {base, bytes};
    memcpy(p - sizeof head, &head, sizeof head);
    memset(p, 0xa5, (size_t)bytes); /* whoever counts on zeroed memory finds out */
    atomic_fetch_add(&h->blocks_live, 1);
    note_peak(h, atomic_fetch_add(&h->bytes_live, bytes) + bytes);
    return p;
}

static void host_free(const weft_host *host, void *p)
{
    fake_host *h = of(host);
    block_head head;
    if (p == NULL)
        return;
    memcpy(&head, (char *)p - sizeof head, sizeof head);
    atomic_fetch_sub(&h->blocks_live, 1);
    atomic_fetch_sub(&h->bytes_live, head.bytes);
    memset(p, 0x5a, (size_t)head.bytes); /* whoever reads it afterwards finds out */
    free(head.base);
}

static uint64_t host_cpu_flags(const weft_host *host)
{
    return of(host)->cpu_flags;
}

static int32_t host_cancelled(const weft_host *host)
{
    return atomic_load(&of(host)->cancelled);
}

static const void *host_get_interface(const weft_host *host, const char *id)
{
    fake_host *h = of(host);
    for (uint32_t i = 0; i < h->n_interfaces; i++)
        if (strcmp(h->interface_id[i], id) == 0)
            return h->interface[i];
    return NULL;
}

static const fake_option *option_find(const weft_host *host, const char *key)
{
    fake_host *h = of(host);
    for (uint32_t i = 0; i < h->n_options; i++)
        if (strcmp(h->options[i].key, key) == 0)
            return &h->options[i];
    return NULL;
}

static int64_t option_i64(const weft_host *host, const char *key)
{
    const fake_option *o = option_find(host, key);
    return o != NULL ? o->i : 0;
}

static double option_f64(const weft_host *host, const char *key)
{
    const fake_option *o = option_find(host, key);
    return o != NULL ? o->f : 0.0;
}

static const char *option_str(const weft_host *host, const char *key)
{
    const fake_option *o = option_find(host, key);
    return o != NULL ? o->s : NULL;
}

/* Directories are the real host's matter; tests give packages themselves. */
static const weft_package *option_package(const weft_host *host, const char *key)
{
    (void)host;
    (void)key;
    return NULL;
}

static const weft_if_options options_vtable = {WEFT_HDR(weft_if_options), option_i64, option_f64,
                                               option_str, option_package};

void fake_host_init(fake_host *h, const fake_option *options, uint32_t n_options)
{
    memset(h, 0, sizeof *h);
    h->host.hdr.size = (uint32_t)sizeof h->host;
    h->host.name = "fake host";
    h->host.version = "0";
    h->host.abi_major = WEFT_ABI_MAJOR;
    h->host.abi_minor = WEFT_ABI_MINOR;
    h->host.log = host_log;
    h->host.alloc = host_alloc;
    h->host.free = host_free;
    h->host.cpu_flags = host_cpu_flags;
    h->host.cancelled = host_cancelled;
    h->host.get_interface = host_get_interface;
    h->host.slot = &h->slot;
    h->options = options;
    h->n_options = options != NULL ? n_options : 0;
    fake_host_provide(h, WEFT_IF_OPTIONS, &options_vtable);
    fake_host_provide(h, WEFT_IF_PACKAGE, fake_package_vtable());
}

void fake_host_deinit(fake_host *h)
{
    fake_packages_free(h);
}

void fake_host_provide(fake_host *h, const char *id, const void *vtable)
{
    uint32_t i = 0;
    while (i < h->n_interfaces && strcmp(h->interface_id[i], id) != 0)
        i++;
    if (i == FAKE_INTERFACES_MAX) {
        fprintf(stderr, "fake host: more than %d interfaces\n", FAKE_INTERFACES_MAX);
        exit(1);
    }
    h->interface_id[i] = id;
    h->interface[i] = vtable;
    if (i == h->n_interfaces)
        h->n_interfaces++;
}

void fake_host_fail_at(fake_host *h, uint64_t n, int forever)
{
    h->fail_at = n != 0 ? atomic_load(&h->allocs) + n : 0;
    h->fail_forever = forever;
}
