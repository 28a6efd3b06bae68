/* SPDX-License-Identifier: Apache-2.0 */
/* declares PLUGIN.so IMAGE: what kernels the plugin declares when its modality loads, a line each:
 * the function in the image and the sizes of its arguments. IMAGE gets the bytes that it hands
 * over. The host here is as small as the example needs. */
#include <dlfcn.h>
#include <stdlib.h>

#include <weft/sdk.h>

static const char *image_path;

static void *host_alloc(const weft_host *h, uint64_t bytes, uint64_t align)
{
    (void)h, (void)align;
    return malloc((size_t)bytes);
}

static void host_free(const weft_host *h, void *p)
{
    (void)h;
    free(p);
}

static weft_status add(const weft_host *h, const weft_kernel_decl *k, uint32_t n,
                       const weft_fatbin *gpu, weft_error *err)
{
    (void)h;
    for (uint32_t i = 0; i < n; i++) {
        const weft_kernel_decl *one = (const weft_kernel_decl *)WEFT_AT(k, i);
        printf("%s", one->gpu_symbol != NULL ? one->gpu_symbol : "-");
        for (uint32_t a = 0; a < one->n_args; a++)
            printf(" %u", one->arg_bytes[a]);
        printf("\n");
    }
    FILE *f = gpu != NULL ? fopen(image_path, "wb") : NULL;
    if (f == NULL)
        return weft_fail(err, WEFT_E_IO, "there is no image, or no file for it");
    size_t put = fwrite(gpu->data, 1, (size_t)gpu->bytes, f);
    return fclose(f) == 0 && put == gpu->bytes ? WEFT_OK
                                               : weft_fail(err, WEFT_E_IO, "half an image");
}

static const weft_kernel *find(const weft_host *h, const char *name)
{
    (void)h;
    return (const weft_kernel *)(const void *)name;
}

static weft_status get(const weft_host *h, const weft_package *p, const weft_weight *want,
                       uint32_t n, weft_tensor *out, weft_error *err)
{
    (void)h, (void)p, (void)want, (void)err;
    memset(out, 0, n * sizeof *out);
    return WEFT_OK;
}

static const weft_if_kernels kernels = {WEFT_HDR(weft_if_kernels), add, find, NULL};
static const weft_if_weights weights = {WEFT_HDR(weft_if_weights), get, NULL};

static const void *get_interface(const weft_host *h, const char *id)
{
    (void)h;
    return strcmp(id, WEFT_IF_KERNELS) == 0   ? (const void *)&kernels
           : strcmp(id, WEFT_IF_WEIGHTS) == 0 ? (const void *)&weights
                                              : NULL;
}

static weft_status load(const weft_plugin *me, weft_error *err)
{
    static char           package; /* never looked into */
    const weft_host       host = {.hdr = WEFT_HDR(weft_host),
                                  .alloc = host_alloc,
                                  .free = host_free,
                                  .get_interface = get_interface};
    const weft_model_info mi = {.hdr = WEFT_HDR(weft_model_info),
                                .package = (const weft_package *)(const void *)&package,
                                .d_model = 48};
    for (uint32_t i = 0; i < me->desc->n_components; i++) {
        const weft_component *c = (const weft_component *)WEFT_AT(me->desc->components, i);
        void                 *self = NULL;
        if (strcmp(c->kind, WEFT_C_MODALITY) != 0)
            continue;
        const weft_modality *m = (const weft_modality *)c->vtable;
        weft_status          status = m->create(&host, &mi, &self, err);
        if (status != WEFT_OK)
            return status;
        status = m->load(self, err);
        m->destroy(self);
        return status;
    }
    return weft_fail(err, WEFT_E_NOTFOUND, "it has no modality");
}

int main(int argc, char **argv)
{
    const weft_hello hello = {WEFT_HDR(weft_hello), WEFT_MAGIC, WEFT_ABI_MAJOR, WEFT_ABI_MINOR, 0,
                              "declares",           "0"};
    weft_plugin      me = {.hdr = WEFT_HDR(weft_plugin)};
    weft_error       err = {.hdr = WEFT_HDR(weft_error)};
    weft_plugin_entry_fn entry = NULL;
    void                *library = argc == 3 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    void                *symbol = library != NULL ? dlsym(library, WEFT_ENTRY_SYMBOL) : NULL;
    if (symbol == NULL) {
        fprintf(stderr, "declares PLUGIN.so IMAGE: %s\n", argc == 3 ? dlerror() : "two arguments");
        return 2;
    }
    image_path = argv[2];
    memcpy(&entry, &symbol, sizeof entry);
    if (entry(&hello, &me, &err) == WEFT_OK && load(&me, &err) == WEFT_OK)
        return 0;
    fprintf(stderr, "%s: %s\n", argv[1], err.message);
    return 1;
}
