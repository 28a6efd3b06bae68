/* SPDX-License-Identifier: Apache-2.0 */
/* The machine: read from the environment, locked, its calls counted, its failures as they were
 * asked for. */
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "fake.h"

#define SHOWN __attribute__((visibility("default")))
SHOWN void fake_cuda_state_get(fake_cuda_state *out);
SHOWN void fake_cuda_fail(uint64_t n, int code, int lost);

machine                it;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *s = getenv(name);
    return s != NULL && *s != 0 ? strtoull(s, NULL, 0) : otherwise;
}

static int64_t property(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(o, name));
}

static void read_device(void)
{
    const char *device = getenv("FAKE_CUDA_DEVICE");
    char        path[1024];
    device = device != NULL && *device != 0 ? device : "h200";
    snprintf(path, sizeof path, strchr(device, '/') != NULL ? "%s" : FAKE_DEVICES "/%s.json",
             device);
    json_t     *o = json_load_file(path, 0, NULL);
    const char *name = json_string_value(json_object_get(o, "deviceName"));
    if (name == NULL) {
        fprintf(stderr, "fake driver: %s is no device's properties\n", path);
        exit(2);
    }
    snprintf(it.name, sizeof it.name, "%s", name);
    it.major = (int)(property(o, "deviceVer") / 100);
    it.minor = (int)(property(o, "deviceVer") % 100 / 10);
    it.n_sms = (int)property(o, "multiProcessorCount");
    it.shared_block = (int)property(o, "maxSharedMemoryPerBlock");
    it.shared_optin = (int)property(o, "maxSharedMemoryPerBlockOptin");
    it.memory_total = number("FAKE_CUDA_MEMORY", (uint64_t)property(o, "totalGlobalMem"));
    json_decref(o);
}

void read_machine(void)
{
    if (it.is_read)
        return;
    it.is_read = true;
    read_device();
    it.memory_left = it.memory_total;
    it.count = (int)number("FAKE_CUDA_COUNT", 1);
    it.version = (int)number("FAKE_CUDA_VERSION", 13000);
    it.random = number("FAKE_CUDA_SEED", 1) * 0x9e3779b97f4a7c15ull + 1;
    it.fail_at = number("FAKE_CUDA_FAIL_AT", 0);
    it.fail_with = (int)number("FAKE_CUDA_FAIL_WITH", OUT_OF_MEMORY);
    it.lost = number("FAKE_CUDA_LOST", 0) != 0;
    it.memory = ptx_memory_new();
}

void enter_surely(void)
{
    pthread_mutex_lock(&lock);
    read_machine();
}

result enter(bool needs_context)
{
    enter_surely();
    it.calls++;
    if (it.fail_at != 0 && (it.calls == it.fail_at || (it.lost && it.calls > it.fail_at)))
        return leave(it.fail_with);
    if (it.sticky != OK)
        return leave(it.sticky);
    if (needs_context && !context_is_current())
        return leave(it.initialised ? INVALID_CONTEXT : NOT_INITIALIZED);
    return OK;
}

result leave(result r)
{
    pthread_mutex_unlock(&lock);
    return r;
}

void fault(const char *sentence)
{
    it.faults++;
    fprintf(stderr, "fake driver: %s\n", sentence);
}

void *entry_in(const entry *all, size_t n, const char *name)
{
    void *p = NULL;
    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i].name, name) == 0)
            memcpy(&p, &all[i].f, sizeof p);
    return p;
}

void fake_cuda_state_get(fake_cuda_state *out)
{
    enter_surely();
    *out = (fake_cuda_state){.calls = it.calls,
                             .faults = it.faults,
                             .kernels = it.kernels,
                             .graph_launches = it.graph_launches,
                             .pageable = it.pageable,
                             .device_bytes = it.memory_total - it.memory_left,
                             .device_blocks = it.device_blocks,
                             .host_blocks = it.host_blocks,
                             .contexts = (uint64_t)it.retained};
    for (stream *s = it.streams; s != NULL; s = s->next)
        out->streams++;
    for (event *e = it.events; e != NULL; e = e->next)
        out->events++;
    for (module *m = it.modules; m != NULL; m = m->next)
        out->modules++;
    for (graph *g = it.graphs; g != NULL; g = g->next)
        out->graphs++;
    for (graph *g = it.execs; g != NULL; g = g->next)
        out->graphs++;
    leave(OK);
}

void fake_cuda_fail(uint64_t n, int code, int lost)
{
    enter_surely();
    it.fail_at = n == 0 ? 0 : it.calls + n;
    it.fail_with = code;
    it.lost = lost != 0;
    it.sticky = OK;
    leave(OK);
}

/* FAKE_CUDA_REPORT: a file that says at the end of the process what was done and what was left. */
static __attribute__((destructor)) void tell(void)
{
    const char     *path = getenv("FAKE_CUDA_REPORT");
    FILE           *f = path != NULL && it.is_read ? fopen(path, "w") : NULL;
    fake_cuda_state s;
    if (f == NULL)
        return;
    fake_cuda_state_get(&s);
    const uint64_t left =
        s.device_bytes + s.host_blocks + s.streams + s.events + s.modules + s.graphs + s.contexts;
    fprintf(f,
            "calls %llu\nfaults %llu\nkernels %llu\ngraph_launches %llu\npageable %llu\n"
            "left %llu\n",
            (unsigned long long)s.calls, (unsigned long long)s.faults,
            (unsigned long long)s.kernels, (unsigned long long)s.graph_launches,
            (unsigned long long)s.pageable, (unsigned long long)left);
    fclose(f);
}
