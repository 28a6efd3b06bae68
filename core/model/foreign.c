/* SPDX-License-Identifier: Apache-2.0 */
/* Names by which files of other programs are known. */
#include "core/model/foreign.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

#include "core/io/text.h"

#define NAMES_MOST 4096

typedef struct sign {
    const char *pattern, *hint;
} sign;

/* The first that is there counts. */
static const sign folders[] = {
    {"weft.ini", "; it holds weft.ini, which --config reads"},
    {"adapter_config.json", "; it holds a LoRA adapter: merge it into its text model "
                            "(merge_and_unload of peft), and give the directory of the result"},
    {"model_index.json",
     "; it holds a pipeline of diffusers, which makes pictures and writes no text"},
    {"*.gguf", "; it holds a GGUF file: give the file itself"},
    {"snapshots", "; it is a folder of the Hugging Face cache: give the folder below snapshots"},
    {"consolidated*.pth", "; it holds Meta's original files: get the same model in the layout of "
                          "Hugging Face (config.json and safetensors)"},
    {"consolidated*.safetensors", "; it holds Mistral's original files: get the same model in the "
                                  "layout of Hugging Face (with config.json)"},
    {"*.onnx", "; it holds a model in ONNX: get its safetensors, with config.json"},
    {"*.safetensors", "; it holds weights: get the other files of the model too"},
};

static const sign weights[] = {
    {"*.incomplete", "; a download has not ended: start it again"},
    {"pytorch_model*.bin", "; it holds pytorch_model.bin, which can carry programs and is not "
                           "read: get the safetensors, or save them by save_pretrained"},
    {"*.gguf", "; it holds a GGUF file: give the file itself"},
    {"consolidated*.pth", "; it holds Meta's original files, which are not read: get the "
                          "safetensors of the same model"},
    {"*.onnx", "; it holds the model in ONNX, which is not read: get its safetensors"},
    {"*.h5", "; it holds the weights for TensorFlow, which are not read: get the safetensors"},
    {"*.msgpack", "; it holds the weights for Flax, which are not read: get the safetensors"},
};

static const sign files[] = {
    {"*.safetensors", "; the directory around it, with config.json, is the model"},
    {"config.json", "; the directory around it is the model"},
    {"*.ini", "; --config reads such a file"},
    {"*.onnx", "; ONNX is not read: get the safetensors of the model, with config.json"},
    {"*.pt", "; PyTorch's files can carry programs and are not read: get the safetensors"},
    {"*.pth", "; PyTorch's files can carry programs and are not read: get the safetensors"},
    {"*.ckpt", "; PyTorch's files can carry programs and are not read: get the safetensors"},
    {"*.bin", "; such a file is not read: get the safetensors of the model, or a GGUF file"},
    {"*.gguf*", "; it does not begin as a GGUF file does: it may be cut or compressed"},
    {"*.zip", "; unpack it, and give the directory"},
    {"*.tar", "; unpack it, and give the directory"},
    {"*.tar.*", "; unpack it, and give the directory"},
    {"*.tgz", "; unpack it, and give the directory"},
};

/* The first of the n signs that a name of the folder matches. */
static const char *look(const char *dir, const sign *signs, size_t n)
{
    DIR           *d = opendir(dir);
    struct dirent *e;
    size_t         best = n;
    for (int seen = 0; d != NULL && seen < NAMES_MOST && (e = readdir(d)) != NULL; seen++)
        for (size_t i = 0; i < best; i++)
            if (fnmatch(signs[i].pattern, e->d_name, 0) == 0)
                best = i;
    if (d != NULL)
        closedir(d);
    return best < n ? signs[best].hint : "";
}

const char *wf_foreign_folder(const char *dir)
{
    return look(dir, folders, sizeof folders / sizeof *folders);
}

const char *wf_foreign_weights(const char *dir)
{
    return look(dir, weights, sizeof weights / sizeof *weights);
}

const char *wf_foreign_file(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (fnmatch(files[i].pattern, name, FNM_CASEFOLD) == 0)
            return files[i].hint;
    return "";
}

weft_status wf_foreign_packed(const json_t *config, const char *where, weft_error *err)
{
    const json_t *packed = json_object_get(config, "quantization_config");
    if (!json_is_object(packed))
        packed = json_object_get(config, "quantization"); /* MLX */
    if (!json_is_object(packed))
        return WEFT_OK;
    const char *by = json_string_value(json_object_get(packed, "quant_method"));
    return wf_fail(err, WEFT_E_UNSUPPORTED,
                   "%s: config.json says that the weights are packed%s%s, which is not read; get "
                   "the model as it was before that, and give --quantize q8 or q4",
                   where, by != NULL ? " by " : "", by != NULL ? wf_quote(by).s : "");
}
