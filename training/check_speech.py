# SPDX-License-Identifier: Apache-2.0
"""Compare the exported hearing with the program: `weft model verify` on what PyTorch computes.

    python check_speech.py [--weft ../build/weft] [WAV ...]
Samples in; expected: frames, encoder rows, soft tokens and logits of the whole prompt, in f32 from the
exported values. The program computes in bf16 where the machine can; its own rule (cosine of 0.999) judges.
Without arguments three files of the test sets are taken, short and long.
"""
import argparse
import subprocess
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from common import DEMO, ROOT
from mel import log_mel, resample
from sentences import REPEAT
from eval_speech import without_own_settings
from speech_corpus import folder
from speech_data import pad
from speech_model import from_tensors
from speech_voices import SOUNDS, read_wav
from train_speech import around
from train_text import tokenizer
from train_vision import frozen_core

INI = "[core]\nmodel = {0}/text\n[plugin weft.speech]\nweights = {0}/speech\n"


@torch.no_grad()
def expected(core, model, tok, wav):
    """The tensors of a parity file."""
    samples = resample(*read_wav(wav))
    frames = log_mel(samples)
    encoded, soft, _, _ = model(*pad([frames]))
    before, after = around(tok, REPEAT)
    rows = torch.cat([core.embed_tokens(before), soft[0], core.embed_tokens(after)])
    return {"samples": torch.from_numpy(samples), "features": torch.from_numpy(frames), "encoder.output": encoded[0],
            "adapter.output": soft[0], "logits": core.logits(core(rows[None]))[0],
            "input_ids": torch.cat([before, torch.tensor([tok.image + 1]), after])}


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--weft", default=str(ROOT / "build" / "weft"))
    args.add_argument("wav", nargs="*", type=Path)
    args = args.parse_args()
    torch.set_num_threads(1)
    tok = tokenizer()
    core = frozen_core(tok)
    model = from_tensors({k: v.float() for k, v in load_file(DEMO / "speech" / "model.safetensors").items()})
    heard = args.wav or [SOUNDS / "digits" / "7.wav", *sorted(folder().glob("test/*/000.wav"))[:2]]
    with tempfile.TemporaryDirectory() as scratch:
        ini, parity = Path(scratch) / "weft.ini", Path(scratch) / "parity.safetensors"
        ini.write_text(INI.format(DEMO))
        for wav in heard:
            save_file({k: v.contiguous() for k, v in expected(core, model, tok, wav).items()}, parity)
            print(wav, flush=True)
            subprocess.run([args.weft, "model", "verify", "--config", str(ini), "--parity", str(parity)], check=True,
                           env=without_own_settings())


if __name__ == "__main__":
    main()
