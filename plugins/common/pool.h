/* SPDX-License-Identifier: Apache-2.0 */
/* Work of preprocess on the host's threads (weft/pool.h), or on the calling one where there are
 * none: in tests that have no host, and where a host does not give the interface. */
#ifndef PLG_POOL_H
#define PLG_POOL_H

#include "weft/pool.h"

typedef struct plg_pool {
    const weft_host    *host;
    const weft_if_pool *table; /* NULL: the calling thread alone */
} plg_pool;

/* The host's. [setup] */
static inline plg_pool plg_pool_of(const weft_host *h)
{
    const plg_pool p = {h, (const weft_if_pool *)h->get_interface(h, WEFT_IF_POOL)};
    return p;
}

/* weft_if_pool.run; p may be NULL. The pieces begin at multiples of grain. [worker] */
static inline void plg_pool_run(const plg_pool *p, int64_t n, int64_t grain, weft_pool_fn fn,
                                void *ctx)
{
    if (p != NULL && p->table != NULL) {
        p->table->run(p->host, n, grain, fn, ctx);
        return;
    }
    for (int64_t i = 0; i < n; i += grain)
        fn(ctx, i, n - i < grain ? n : i + grain);
}

#endif
