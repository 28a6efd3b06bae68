# SPDX-License-Identifier: Apache-2.0
"""All stages in order, unattended: text core and picture encoder side by side, then the adapter.

Start it again after an interruption: every stage goes on from its checkpoint, finished ones are passed over.
A stage that fails is started again twice. The text core is exported once, when it is done, and a first
adapter early, so that the program has something to describe with; later ones by `export.py vision`.
Logs are $WEFT_TRAINING/{text,vit,vision}.log.
"""
import subprocess
import sys
from pathlib import Path

from common import workdir

HERE = Path(__file__).resolve().parent


def start(stage, *options):
    """Start a stage, its output appended to its log."""
    log = open(workdir() / f"{stage}.log", "a")
    command = [sys.executable, str(HERE / f"train_{stage}.py"), *options]
    return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=HERE)


def finish(stage, *options, tries=3):
    """Run a stage until it has written its .done file."""
    done = workdir() / f"{stage}.done"
    for _ in range(tries):
        if not done.exists():
            start(stage, *options).wait()
    if not done.exists():
        raise SystemExit(f"{stage} did not finish; see its log in {workdir()}")


def once(marker, what, *before):
    """Export once, after a stage's first steps where they are given; the marker file remembers."""
    marker = workdir() / marker
    if marker.exists():
        return
    if before and start(*before).wait():
        raise SystemExit(f"{before[0]} failed; see its log in {workdir()}")
    subprocess.run([sys.executable, str(HERE / "export.py"), what], check=True)
    marker.touch()


if __name__ == "__main__":
    encoder = start("vit", "--threads", "1")     # beside the text core; passes over itself when it is done
    finish("text", "--threads", "1")
    once("text.frozen", "text")
    encoder.wait()
    finish("vit", "--threads", "2")
    once("vision.first", "vision", "vision", "--threads", "2", "--stop", "800")
    finish("vision", "--threads", "2")
