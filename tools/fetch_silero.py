#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a directory with the weights of Silero VAD, a small network that hears speech (MIT), for weft.silero.

    fetch_silero.py OUT [--wheel FILE]

PyPI's package silero-vad 6.2.3 (11 MB, MIT) holds them in silero_vad.jit, the model that it runs; the silero_vad_16k.safetensors beside it
has other, older weights. This script downloads the package with pip (or reads it from --wheel FILE), checks its SHA-256, and writes OUT:
model.safetensors (1.2 MB, the names of the package's own safetensors file), config.json and LICENSE. No weight changes by a bit. OUT
must not exist; it is written whole or not at all. It needs nothing but pip.
"""
import argparse
import hashlib
import io
import json
import pathlib
import pickle
import struct
import subprocess
import sys
import tempfile
import zipfile

PACKAGE = "silero-vad==6.2.3"
SHA256 = "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8"
MODEL, LICENSE = "silero_vad/data/silero_vad.jit", "silero_vad-6.2.3.dist-info/licenses/LICENSE"
NAMES = {"stft.forward_basis_buffer": "stft_conv.weight", "decoder.decoder.2.weight": "final_conv.weight",
         "decoder.decoder.2.bias": "final_conv.bias"}
NAMES |= {f"encoder.{i}.reparam_conv.{k}": f"conv{i + 1}.{k}" for i in range(4) for k in ("weight", "bias")}
NAMES |= {f"decoder.rnn.{k}": f"lstm_cell.{k}" for k in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}


def download(folder):
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(folder), PACKAGE]
    if subprocess.run(command, check=False).returncode != 0:
        sys.exit(f"fetch_silero: pip could not download {PACKAGE}")
    return next(folder.glob("*.whl"))


class Module:
    """An object of the TorchScript archive: its attributes, and nothing that runs."""

    def __setstate__(self, state):
        self.__dict__.update(state)


def rebuild(storage, offset, size, stride, *_):
    """A tensor's shape and its bytes; only what lies in C order is known."""
    step = 1
    for n, s in zip(reversed(size), reversed(stride)):
        if n != 1 and s != step:
            sys.exit("fetch_silero: a tensor of the archive is not in C order")
        step *= n
    return list(size), storage[4 * offset:4 * (offset + step)]


def first(*values):
    """What stands for functions that only say of which type a value is."""
    return values[0] if values else None


class Reader(pickle.Unpickler):
    """Reads data.pkl of the archive. No class or function of it is looked up but those here."""

    def __init__(self, archive, root):
        super().__init__(io.BytesIO(archive.read(f"{root}/data.pkl")))
        self.archive, self.root = archive, root

    def find_class(self, module, name):
        if name == "_rebuild_tensor_v2":
            return rebuild
        if name == "OrderedDict":
            return dict
        return type(name, (Module,), {}) if module.startswith("__torch__") else first

    def persistent_load(self, pid):
        return self.archive.read(f"{self.root}/data/{pid[2]}")


def tensors(jit):
    with zipfile.ZipFile(io.BytesIO(jit)) as archive:
        root = archive.namelist()[0].split("/", maxsplit=1)[0]
        model = Reader(archive, root).load()
    for path, name in NAMES.items():
        at = model.__dict__["_model"]
        for key in path.split("."):
            at = at.__dict__[key]
        yield name, at


def write_safetensors(path, named):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, (shape, raw) in sorted(named):
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def convert(wheel, out):
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != SHA256:
        sys.exit(f"fetch_silero: {wheel} is not the package that this script knows (SHA-256 {SHA256})")
    with zipfile.ZipFile(wheel) as archive:
        write_safetensors(out / "model.safetensors", tensors(archive.read(MODEL)))
        (out / "LICENSE").write_bytes(archive.read(LICENSE))
    (out / "config.json").write_text(json.dumps({"model_type": "silero_vad", "sampling_rate": 16000}, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--wheel", type=pathlib.Path)
    args = parser.parse_args()
    if args.out.exists():
        sys.exit(f"fetch_silero: {args.out} exists already")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.out.parent, prefix=".fetch-silero-") as name:
        work = pathlib.Path(name)
        made = work / "made"
        made.mkdir()
        convert(args.wheel or download(work), made)
        made.rename(args.out)
    print(args.out)


if __name__ == "__main__":
    main()
