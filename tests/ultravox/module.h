/* SPDX-License-Identifier: Apache-2.0 */
/* The module weft-ultravox.so alone on the fake host: no loader, no weights, no other plugin. */
#ifndef TEST_ULTRAVOX_MODULE_H
#define TEST_ULTRAVOX_MODULE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/fake_host.h"
#include "weft/sdk.h"

#define ARCH "{\"architectures\": [\"UltravoxModel\"]"
#define TURBO                                                                                      \
    "\"model_type\": \"whisper\", \"d_model\": 1280, \"encoder_layers\": 32,"                      \
    " \"encoder_attention_heads\": 20, \"encoder_ffn_dim\": 5120, \"num_mel_bins\": 128"
#define V05 ARCH ", \"projector_ln_mid\": true, \"audio_config\": {" TURBO "}}"

/* What the directories of a case hold; cleared by module_open. */
typedef struct module_files {
    const char         *tensors; /* of the adapter's directory: names, each between spaces */
    const char         *whisper; /* of the directory of the option audio */
    const weft_package *given;   /* that directory, or NULL */
    int64_t             bins;    /* of every conv1.weight */
} module_files;
extern module_files files;

typedef struct module {
    fake_host            host;
    weft_plugin          plugin;
    const weft_modality *audio;
    weft_error           err;
} module;

void module_open(module *m);
/* Fails the test where the module holds memory still. */
void module_close(module *m);

/* A directory of these two files; NULL: it is not there. */
weft_package *package_of(module *m, const char *config, const char *processor);
/* create() on such a directory; config NULL: without one. */
weft_status create(module *m, const char *config, const char *processor, int32_t d_model,
                   void **self);

#endif
