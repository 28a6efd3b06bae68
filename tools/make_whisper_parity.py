#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write what transformers makes of real recordings with a real Whisper encoder, for `weft model verify`.

    make_whisper_parity.py WHISPER OUT TALK.wav ...

WHISPER is a Hugging Face directory of a Whisper model, as tools/fetch_whisper_tiny.py writes it; a recording is a WAV file of
one channel, 16 bits and 16000 Hz. OUT, which must not exist, becomes a directory that weft opens (`--config OUT/weft.ini`): the encoder
of WHISPER, a small random Ultravox projector behind it, and the text core of tests/fixtures/ultravox. It holds two files of each
recording of at most 30 s:

    parity-N.safetensors      the recording as it is: transformers' own layers, called one by one, since its forward
                              refuses what is not 30 s long
    parity-N-30s.safetensors  filled up to 30 s with silence: WhisperEncoder's own forward

with `samples`, `input_ids`, and expected `features`, `encoder.output`, `adapter.output`, `logits`, `greedy`, all in float32.
cli/test_whisper runs them where the environment variable WEFT_WHISPER names OUT.
"""

import argparse
import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
from torch.nn import functional as F
from transformers import LlamaForCausalLM, WhisperModel

import gen_speech_models
import make_ultravox_fixtures as ultravox
import sounds

HERE = pathlib.Path(__file__).resolve().parent
TEXT = HERE.parent / "tests" / "fixtures" / "ultravox" / "text"
WHOLE, INNER = 480000, 64


def write_adapter(out, whisper, projector):
    config = {"architectures": ["UltravoxModel"], "model_type": "ultravox", "text_model_id": "example/text-core",
              "audio_model_id": str(whisper), "hidden_size": INNER, "stack_factor": ultravox.STACK,
              "projector_act": "swiglu", "projector_ln_mid": True, "torch_dtype": "float32"}
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    save_file(ultravox.tensors_of("multi_modal_projector.", projector, torch.float32), out / "model.safetensors",
              metadata={"format": "pt"})
    (out / "weft.ini").write_text(f"[core]\nmodel = {TEXT}\ndtype = f32\n\n"
                                  f"[plugin weft.ultravox]\nweights = .\naudio = {whisper}\n")


def whole_stages(encoder, projector, samples):
    """WhisperEncoder's own forward, of 30 s."""
    frames = ultravox.features(samples, encoder.conv1.in_channels)
    rows = encoder(frames.T[None]).last_hidden_state[0]
    return {"features": frames, "encoder.output": rows, "adapter.output": projector(rows, -(-len(rows) // ultravox.STACK))}


@torch.no_grad()
def write_recording(out, name, core, encoder, projector, samples):
    for suffix, given, stages in (("", samples, ultravox.stages),
                                  ("-30s", F.pad(samples, (0, WHOLE - len(samples))), whole_stages)):
        found = stages(encoder, projector, given)
        asked = ultravox.settle(ultravox.Prompt(core, found["adapter.output"]), 3, 4)
        gen_speech_models.write(out / f"parity-{name}{suffix}.safetensors", {"samples": given, **found, **asked})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("whisper", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("recordings", type=pathlib.Path, nargs="+")
    args = parser.parse_args()
    torch.set_num_threads(1)
    recordings = [sounds.read(path) for path in args.recordings]
    for path, samples in zip(args.recordings, recordings):
        if len(samples) > WHOLE:
            sys.exit(f"{path}: more than 30 s")
    whisper = args.whisper.resolve()
    encoder = WhisperModel.from_pretrained(whisper, torch_dtype=torch.float32, attn_implementation="eager").eval().get_encoder()
    core = LlamaForCausalLM.from_pretrained(TEXT, torch_dtype=torch.float32, attn_implementation="eager").eval()
    projector = gen_speech_models.randomise(
        ultravox.Projector(encoder.config.d_model, INNER, core.config.hidden_size, "swiglu", True), 41)
    args.out.mkdir(parents=True)
    write_adapter(args.out, whisper, projector)
    for i, samples in enumerate(recordings):
        write_recording(args.out, i, core, encoder, projector, samples)
    print(args.out)


if __name__ == "__main__":
    main()
