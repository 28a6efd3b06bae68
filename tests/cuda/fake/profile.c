/* SPDX-License-Identifier: Apache-2.0 */
/* What kernels did to memory, by name, over the whole process: FAKE_CUDA_PROFILE names a file that
 * gets a line each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

typedef struct line {
    char       name[96];
    uint64_t   launches;
    ptx_counts c;
} line;
static line   lines[512];
static size_t n_lines;

void profile_add(const char *kernel, const ptx_counts *c)
{
    size_t k = 0;
    while (k < n_lines && strcmp(lines[k].name, kernel) != 0)
        k++;
    if (k == sizeof lines / sizeof *lines)
        return;
    if (k == n_lines)
        snprintf(lines[n_lines++].name, sizeof lines->name, "%s", kernel);
    line *l = &lines[k];
    l->launches++;
    l->c.instructions += c->instructions;
    l->c.global_requests += c->global_requests;
    l->c.global_sectors += c->global_sectors;
    l->c.global_ideal += c->global_ideal;
    l->c.shared_requests += c->shared_requests;
    l->c.shared_wavefronts += c->shared_wavefronts;
    l->c.shared_ideal += c->shared_ideal;
}

static __attribute__((destructor)) void tell(void)
{
    const char *path = getenv("FAKE_CUDA_PROFILE");
    FILE       *f = path != NULL && n_lines > 0 ? fopen(path, "w") : NULL;
    if (f == NULL)
        return;
    for (const line *l = lines; l < lines + n_lines; l++)
        fprintf(f, "%s %llu %llu %llu %llu %llu %llu %llu %llu\n", l->name,
                (unsigned long long)l->launches, (unsigned long long)l->c.instructions,
                (unsigned long long)l->c.global_requests, (unsigned long long)l->c.global_sectors,
                (unsigned long long)l->c.global_ideal, (unsigned long long)l->c.shared_requests,
                (unsigned long long)l->c.shared_wavefronts, (unsigned long long)l->c.shared_ideal);
    fclose(f);
}
