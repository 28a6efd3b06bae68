# SPDX-License-Identifier: Apache-2.0
"""All stages in order, unattended: text core and picture encoder side by side, the image adapter, speech, clips.

    python run_all.py [pictures] [speech] [clips]      all where nothing is said; the others need what pictures makes
Start it again after an interruption: every stage goes on from its checkpoint, finished ones are passed over.
A stage that fails is started again twice. The text core and the picture adapter are exported once, when they are
done, a first picture adapter early, so that the program has something to describe with, and the speech adapter when
it is done; others by `export.py`.
The speech corpus is made beside stage 4, which takes in what is there; the person's single words after it.
Logs are $WEFT_TRAINING/{text,vit,vision,corpus,views,ctc,words,speech,video_features,video}.log.
"""
import subprocess
import sys
from pathlib import Path

from common import workdir

HERE = Path(__file__).resolve().parent
SHARDS, VIEWS = 60, 6      # of the speech corpus


def launch(name, script, *options, beside=False):
    """Start a script, its output appended to its log. beside: only while nothing else wants a core, since threads that
    wait for each other at every operation lose most of their time to any neighbour, however nice."""
    log = open(workdir() / f"{name}.log", "a")
    command = ["chrt", "--idle", "0"] * beside + [sys.executable, str(HERE / script), *options]
    return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=HERE)


def start(stage, *options):
    return launch(stage, f"train_{stage}.py", *options)


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


def pictures():
    encoder = start("vit", "--threads", "1")     # beside the text core; passes over itself when it is done
    finish("text", "--threads", "1")
    once("text.frozen", "text")
    encoder.wait()
    finish("vit", "--threads", "2")
    once("vision.first", "vision", "vision", "--threads", "2", "--stop", "800")
    finish("vision", "--threads", "2")
    once("vision.frozen", "vision")


def clips():
    """On the exported picture encoder."""
    halves = [launch("video_features", "video_features.py", "--begin", str(i), "--stride", "2") for i in range(2)]
    if any([half.wait() for half in halves]):
        raise SystemExit(f"making the clips' rows failed; see video_features.log in {workdir()}")
    finish("video", "--threads", "2")


def speech():
    corpus = launch("corpus", "speech_corpus.py", "--shards", str(SHARDS), beside=True)
    views = launch("views", "speech_augment.py", "--views", str(VIEWS), "--shards", str(SHARDS + 1),
                   beside=True)
    if not any(workdir().glob("speech/view-*.npz")):
        views.wait()
    finish("ctc", "--threads", "2")
    if corpus.wait():
        views.terminate()
        raise SystemExit(f"making the corpus failed; see corpus.log in {workdir()}")
    for name, script, *options in (("words", "speech_words.py"), ("views", "speech_augment.py", "--views", str(VIEWS))):
        if launch(name, script, *options).wait():
            raise SystemExit(f"{script} failed; see {name}.log in {workdir()}")
    finish("speech", "--threads", "2")
    once("speech.first", "speech")


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["pictures", "speech", "clips"]
    if set(wanted) - {"pictures", "speech", "clips"}:
        raise SystemExit("usage: run_all.py [pictures] [speech] [clips]")
    for part in (pictures, speech, clips):
        if part.__name__ in wanted:
            part()
