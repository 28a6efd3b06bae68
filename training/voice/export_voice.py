# SPDX-License-Identifier: Apache-2.0
"""A checkpoint as a directory of Ultravox's layout, bf16, which weft.ultravox runs on the two frozen ends.

    python export_voice.py ctc-letters|shipped [OUT]      OUT: $WEFT_VOICE/voice, or ../../models/voice

OUT gets config.json, model.safetensors and, but for models/voice, weft.ini, which names the two ends where they lie. `ctc`,
`weft_silence` and `weft_prompts` are weft's own keys (docs/MODEL.md): letters and the words that they are found to be, silence behind a
recording, the prompt.
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
from hearing import PLACES, SCORES
from projector import sinusoids
from repeat import SPARE, TURNS, again, fill
from spell import SURE, known_words, tables
from train_ctc import PREFIX, trained

POSITIONS, MARKER = 1500, "<|audio|>"        # max_source_positions of the encoder


def contents(model):
    """(tensors, config.json)"""
    stack, (words, root) = model.projector.stack, known_words()
    numbers, keys = tables(words, root, again(), fill())
    out = {k: v.to(torch.bfloat16) for k, v in model.projector.state_dict().items()}
    out["embed_positions.weight"] = sinusoids(POSITIONS, ends.WIDTH)[:-(-POSITIONS // stack)].to(torch.bfloat16)
    out["linear_out.bias"].view(PLACES, SCORES)[:, 0] -= SURE
    out |= {f"ctc.{k}": v for k, v in numbers.items()}
    config = {"architectures": ["UltravoxModel"], "model_type": "ultravox", "audio_model_id": "openai/whisper-tiny.en",
              "text_model_id": "HuggingFaceTB/SmolLM2-135M-Instruct", "text_config": {"hidden_size": ends.D_TEXT},
              "stack_factor": stack, "num_projector_layers": model.projector.n_layers, "torch_dtype": "bfloat16",
              "ctc": keys | {"spare": SPARE}, "weft_silence": ends.SILENCE // ends.HOP, "weft_prompts": {"transcribe": TURNS.replace("@", MARKER)}}
    return {f"{PREFIX}{k}": v.contiguous() for k, v in out.items()}, config


def export(model, steps, out):
    out.mkdir(parents=True, exist_ok=True)
    tensors, config = contents(model)
    write_bytes(out / "config.json", json.dumps(config, indent=2) + "\n")
    write_bytes(out / "model.safetensors", save(tensors, {"format": "pt", "steps": str(steps)}))
    if out.resolve() != places.VOICE:
        write_bytes(out / "weft.ini", f"[core]\nmodel = {places.end('smollm2').resolve()}\n\n[plugin weft.ultravox]\nweights = .\n"
                                      f"audio = {places.end('whisper-tiny.en').resolve()}\n")


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("checkpoint")
    args.add_argument("out", nargs="?", type=Path, default=places.workdir() / "voice")
    args = args.parse_args()
    model, steps = trained(args.checkpoint)
    export(model, steps, args.out)
    print(f"{args.out}: {args.checkpoint} after {steps} steps, {(args.out / 'model.safetensors').stat().st_size} bytes")


if __name__ == "__main__":
    main()
