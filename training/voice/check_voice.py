# SPDX-License-Identifier: Apache-2.0
"""Compare an exported voice with the program, stage by stage, on recordings of people: `weft model verify`.

    python check_voice.py [DIR] [--weft build/weft]      DIR: $WEFT_VOICE/voice

The expected numbers are PyTorch's, in f32, from the tensors of the exported file.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

import data
import ends
import places
from common import ROOT
from eval import clean_environment
from evalsets import sets
from hearing import PLACES, SCORES
from projector import Projector
from repeat import placed
from speech_voices import read_wav
from spell import read_tables, spell

BEFORE, AFTER = f"{ends.START}user\n", f"<|im_end|>\n{ends.START}assistant\n"
GREEDY = 8


class Exported:
    """The directory's projector and words, and the core's embeddings of what is heard."""

    def __init__(self, folder):
        config, prefix = json.loads((folder / "config.json").read_text()), "multi_modal_projector."
        weights = {k.removeprefix(prefix): v.float() for k, v in load_file(folder / "model.safetensors").items()}
        self.projector = Projector(config["stack_factor"], config["num_projector_layers"], PLACES * SCORES)
        self.projector.positions = weights.pop("embed_positions.weight")     # the file's own, which are rounded
        self.projector.load_state_dict({k: v for k, v in weights.items() if not k.startswith("ctc.")})
        self.projector.eval()
        self.known = read_tables({k.removeprefix("ctc."): v for k, v in weights.items() if k.startswith("ctc.")})
        self.search = [config["ctc"][k] for k in ("share", "bonus", "beam", "width")]

    def __call__(self, rows, table):
        batch, lengths = data.pad([rows], self.projector.stack)
        scores = self.projector(batch, lengths)[0].unflatten(-1, (PLACES, SCORES)).flatten(0, 1)
        return table[placed(spell(scores.tolist(), *self.search, sure=0, known=self.known), int(lengths))]


@torch.inference_mode()
def expected(path, encoder, heard, core):
    samples = torch.from_numpy(read_wav(path)[0].copy())
    rows = encoder(samples)
    before, after = ends.ids(BEFORE), ends.ids(AFTER)
    table = core.get_input_embeddings().weight
    z = heard(rows, table)
    x = torch.cat([table[before], z, table[after]])[None]
    said, logits = [], core(inputs_embeds=x).logits[0]
    while len(said) < GREEDY:
        said.append(int((core(inputs_embeds=x).logits[0, -1]).argmax()))
        x = torch.cat([x, table[said[-1:]][None]], 1)
    return {"samples": samples, "input_ids": torch.tensor([*before, len(table), *after]),
            "features": encoder.frames(encoder.with_silence(samples)).T.contiguous(), "encoder.output": rows, "adapter.output": z,
            "logits": logits, "greedy": torch.tensor(said)}


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("folder", nargs="?", type=Path, default=places.workdir() / "voice")
    args.add_argument("--weft", default=str(ROOT / "build" / "weft"))
    args = args.parse_args()
    encoder, heard, core = ends.Encoder(), Exported(args.folder), ends.core()
    recordings = [p for name, pairs in sets(2).items() if name == "people, LibriVox" for p, _ in pairs]
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for path in recordings:
            parity = Path(folder) / f"{path.stem}.safetensors"
            save_file({k: v.contiguous() for k, v in expected(path, encoder, heard, core).items()}, parity)
            command = [args.weft, "model", "verify", str(places.end("smollm2")), "--config", str(args.folder / "weft.ini"),
                       "--dtype", "f32", "--parity", str(parity)]
            print(path, flush=True)
            failed += subprocess.run(command, check=False, env=clean_environment()).returncode != 0
    sys.exit(f"{failed} of {len(recordings)} recordings differ" if failed else 0)


if __name__ == "__main__":
    main()
