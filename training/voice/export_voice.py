# SPDX-License-Identifier: Apache-2.0
"""A checkpoint as a directory of Ultravox's layout, bf16, which weft.ultravox runs on the two frozen ends.

    python export_voice.py ctc-s4l2 [OUT]      OUT: $WEFT_VOICE/voice

OUT gets config.json, model.safetensors and weft.ini, which names the two ends where they lie. The projector's last layer and the core's
embeddings are one matrix there, whose rows are units, scored: `ctc_units`, `ctc_fill` and `weft_prompts` are weft's own keys (docs/MODEL.md).
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
from projector import sinusoids
from repeat import TURNS, fill
from train_ctc import trained

POSITIONS, MARKER = 1500, "<|audio|>"        # max_source_positions of the encoder


@torch.no_grad()
def scoring(model):
    """(weight [units, 384], bias [units]) of the last layer and the odds of all units behind it."""
    last, e = model.projector.linear_out, model.table
    return e @ last.weight, e @ last.bias - e.square().sum(1) / 2


def tensors(model):
    out = {k: v.to(torch.bfloat16) for k, v in model.projector.state_dict().items()}
    weight, bias = scoring(model)
    stack = model.projector.stack
    out |= {"linear_out.weight": weight.to(torch.bfloat16), "linear_out.bias": bias,
            "embed_positions.weight": sinusoids(POSITIONS, ends.WIDTH)[:-(-POSITIONS // stack)].to(torch.bfloat16),
            "units": torch.tensor(model.ids).float(), "fill": torch.tensor(fill()).float()}
    return {f"multi_modal_projector.{k}": v.contiguous() for k, v in out.items()}


def config(model):
    return {"architectures": ["UltravoxModel"], "model_type": "ultravox", "audio_model_id": "openai/whisper-tiny.en",
            "text_model_id": "HuggingFaceTB/SmolLM2-135M-Instruct", "text_config": {"hidden_size": ends.D_TEXT},
            "stack_factor": model.projector.stack, "num_projector_layers": model.projector.n_layers,
            "ctc_units": len(model.ids), "ctc_fill": len(fill()), "torch_dtype": "bfloat16",
            "weft_prompts": {"transcribe": TURNS.replace("@", MARKER)}}


def export(model, out):
    out.mkdir(parents=True, exist_ok=True)
    write_bytes(out / "config.json", json.dumps(config(model), indent=2) + "\n")
    write_bytes(out / "model.safetensors", save(tensors(model), {"format": "pt"}))
    write_bytes(out / "weft.ini", f"[core]\nmodel = {places.end('smollm2').resolve()}\n\n[plugin weft.ultravox]\nweights = .\n"
                                  f"audio = {places.end('whisper-tiny.en').resolve()}\n")


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("checkpoint")
    args.add_argument("out", nargs="?", type=Path, default=places.workdir() / "voice")
    args = args.parse_args()
    model, steps = trained(args.checkpoint)
    export(model, args.out)
    print(f"{args.out}: {args.checkpoint} after {steps} steps, {(args.out / 'model.safetensors').stat().st_size} bytes")


if __name__ == "__main__":
    main()
