# SPDX-License-Identifier: Apache-2.0
"""A checkpoint as a directory of Ultravox's layout, bf16, which weft.ultravox runs on the two frozen ends.

    python export_voice.py core-s6l2 [OUT]      OUT: $WEFT_VOICE/voice

OUT gets config.json, model.safetensors, weft.ini, which names the encoder where it lies, and `core`: links to SmolLM2's files, and a
tokenizer_config.json whose chat template puts the examples of repeat.py before what weft.ultravox asks by itself when it
transcribes; any other conversation stays as it was.
    weft transcribe --config OUT/weft.ini talk.wav
"""
import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save

import ends
import places
from common import write_bytes
from repeat import ONE_MESSAGE, TURNS
from projector import sinusoids
from train_ctc import trained

POSITIONS = 1500        # max_source_positions of the encoder


@torch.no_grad()
def folded(model):
    """The projector, with the map to the core in its last layer."""
    last, to_core = model.projector.linear_out, model.to_core
    last.weight.data = to_core.weight @ last.weight
    last.bias.data = to_core(last.bias)
    return model.projector


def tensors(projector):
    out = {f"multi_modal_projector.{k}": v for k, v in projector.state_dict().items()}
    if projector.n_layers:
        out["multi_modal_projector.embed_positions.weight"] = sinusoids(POSITIONS, ends.WIDTH)
    return {k: v.to(torch.bfloat16).contiguous() for k, v in out.items()}


def config(projector):
    shape = ({"num_projector_layers": projector.n_layers} if projector.n_layers else
             {"hidden_size": projector.linear_1.out_features, "projector_act": "swiglu", "projector_ln_mid": True})
    return {"architectures": ["UltravoxModel"], "model_type": "ultravox", "audio_model_id": "openai/whisper-tiny.en",
            "text_model_id": "HuggingFaceTB/SmolLM2-135M-Instruct", "text_config": {"hidden_size": ends.D_TEXT},
            "stack_factor": projector.stack, "torch_dtype": "bfloat16"} | shape


def quoted(text):
    """As a string of Jinja."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def template(released):
    """The released chat template, and before it the case of weft.ultravox's own request."""
    ask, content = quoted(ONE_MESSAGE[0].split("@")[0]), "messages[0]['content']"
    before, after = map(quoted, TURNS.split("@"))
    return (f"{{% if messages|length == 1 and {content}.startswith({ask}) %}}{{{{ {before} + {content}.replace({ask}, '') + {after} }}}}"
            f"{{% else %}}{released}{{% endif %}}")


def write_core(out):
    out.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "generation_config.json", "model.safetensors", "tokenizer.json"):
        link = out / name
        link.unlink(missing_ok=True)
        link.symlink_to((places.end("smollm2") / name).resolve())
    settings = json.loads((places.end("smollm2") / "tokenizer_config.json").read_text())
    settings["chat_template"] = template(settings["chat_template"])
    write_bytes(out / "tokenizer_config.json", json.dumps(settings, indent=2) + "\n")


def export(projector, out):
    write_core(out / "core")
    write_bytes(out / "config.json", json.dumps(config(projector), indent=2) + "\n")
    write_bytes(out / "model.safetensors", save(tensors(projector), {"format": "pt"}))
    write_bytes(out / "weft.ini", f"[core]\nmodel = ./core\n\n[plugin weft.ultravox]\nweights = .\n"
                                  f"audio = {places.end('whisper-tiny.en').resolve()}\n")


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("checkpoint")
    args.add_argument("out", nargs="?", type=Path, default=places.workdir() / "voice")
    args = args.parse_args()
    model, steps = trained(args.checkpoint)
    export(folded(model), args.out)
    print(f"{args.out}: {args.checkpoint} after {steps} steps, {(args.out / 'model.safetensors').stat().st_size} bytes")


if __name__ == "__main__":
    main()
