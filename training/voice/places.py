# SPDX-License-Identifier: Apache-2.0
"""Where everything lies, and what every script here shares with the demo's recipe in the folder above.

Nothing is written into the source tree but models/voice (export_voice.py): $WEFT_VOICE (default ~/.cache/weft-voice) holds the sentences, the shards, the
checkpoints and the logs; $WEFT_VOICE_ENDS (default $WEFT_VOICE) holds the two frozen ends, `smollm2` and `whisper-tiny.en`,
as tools/fetch_smollm2.py and tools/fetch_whisper_tiny.py write them.
"""
import fcntl
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))   # the demo's recipe: speakers, rooms, checkpoints
ROOT = HERE.parent.parent
VOICE = ROOT / "models" / "voice"   # as weft.ultravox reads it
SEED = 20261130


def workdir():
    path = Path(os.environ.get("WEFT_VOICE", Path.home() / ".cache" / "weft-voice"))
    path.mkdir(parents=True, exist_ok=True)
    return path


os.environ["WEFT_TRAINING"] = str(workdir())   # where the demo's modules keep checkpoints and locks


def rows():
    """The folder of shards."""
    path = workdir() / "rows"
    path.mkdir(exist_ok=True)
    return path


def end(name):
    """The directory of a frozen end; one that is not there is told with the command that makes it."""
    path = Path(os.environ.get("WEFT_VOICE_ENDS", workdir())) / name
    if not (path / "model.safetensors").exists():
        tool = {"smollm2": "fetch_smollm2.py", "whisper-tiny.en": "fetch_whisper_tiny.py"}[name]
        sys.exit(f"{path} is not there: run {ROOT / 'tools' / tool} {path}")
    return path


def alone(name):
    """A lock to be kept: a second start of the same work waits, and then finds it done."""
    lock = open(workdir() / f"{name}.lock", "w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock
