#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program end to end on the fake driver: the demo model's jobs give on --device cuda the text that they give on the
CPU, the interpreter finds no fault, and nothing is left allocated; and where there is no usable device, one line says why.

    test_end.py SOURCE-DIR BUILD-DIR FAKE-DIR JOB...      jobs: picture, clip, recording, text, refusals, parity, speeds"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

SOURCE, BUILD, FAKE = sys.argv[1:4]
SAMPLES = os.path.join(SOURCE, "models/demo/samples")
JOBS = {
    "picture": ["describe", SAMPLES + "/1.png"],
    "clip": ["describe", SAMPLES + "/5.mp4"],
    "recording": ["transcribe", SAMPLES + "/6.wav"],
    "text": ["generate", "-p", "a big", "-n", "24"],
    "pages": ["generate", "-p", "a big", "-n", "8", "--kv-dtype", "q8"],
    "bench": ["bench", "--shape", "demo", "--rows", "generation.bf16", "--repeat", "1"],
}


def expect(truth, what):
    if not truth:
        sys.exit("FAILED: " + what)


def weft(job, device, how="-q", **settings):
    """(exit code, stdout, stderr)"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FAKE_CUDA")}
    environment.update({"LD_LIBRARY_PATH": FAKE, **settings})
    done = subprocess.run([os.path.join(BUILD, "weft"), *JOBS[job], "--device", device, how], env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return done.returncode, done.stdout, done.stderr


def report(path):
    with open(path) as file:
        return {name: int(number) for name, number in (line.split() for line in file)}


def same_text(job, folder):
    told = os.path.join(folder, "report")
    code, want, said = weft(job, "cpu")
    expect(code == 0 and want.strip(), "%s on the CPU: %d %s" % (job, code, said))
    code, got, said = weft(job, "cuda", FAKE_CUDA_REPORT=told)
    expect(code == 0, "%s on the fake driver: %d %s" % (job, code, said))
    expect(got == want, "%s: `%s` on the fake driver, `%s` on the CPU" % (job, got, want))
    counts = report(told)
    expect(counts["faults"] == 0 and counts["left"] == 0, "%s: %s" % (job, counts))
    expect(counts["pageable"] == 0, "%s: %d downloads that wait" % (job, counts["pageable"]))
    expect(counts["kernels"] > 100, "%s ran %d kernels" % (job, counts["kernels"]))
    if job == "text":
        expect(counts["graph_launches"] > 0, "no step was replayed as a graph")
    print("%s: %s" % (job, counts))


# What is missing, what is then said, and the job that shows it; --device auto takes the CPU.
REFUSALS = {
    "no driver": ("text", dict(LD_LIBRARY_PATH=""), "no NVIDIA driver"),
    "an old driver": ("text", dict(FAKE_CUDA_VERSION="11080"), "CUDA 11.8"),
    "a driver of CUDA 12": ("text", dict(FAKE_CUDA_VERSION="12040"), "or build weft for this one"),
    "no device": ("text", dict(FAKE_CUDA_COUNT="0"), "no GPU"),
    "no memory for weights": ("text", dict(FAKE_CUDA_MEMORY="1000000"), "memory"),
    "no memory beside the weights": ("text", dict(FAKE_CUDA_MEMORY="100000000"), "keys and values of --context"),
    "no memory for encoders": ("picture", dict(FAKE_CUDA_MEMORY="150000000"), "and encoders"),
    "pages of q8": ("pages", {}, "in q8: another --kv-dtype"),
    # The 12th call loads the first image, the 300th is one of those that load weights.
    "an image that is not for the driver": ("text", dict(FAKE_CUDA_FAIL_AT="12", FAKE_CUDA_FAIL_WITH="222"), "the kernels are not for sm_90"),
    "a device that is lost while it is opened": ("text", dict(FAKE_CUDA_FAIL_AT="300", FAKE_CUDA_FAIL_WITH="719", FAKE_CUDA_LOST="1"),
                                                 "device cuda: "),
    "a made model": ("bench", dict(FAKE_CUDA_MEMORY="3000000"), "memory"),
}


def refused(what, job, settings, words):
    code, out, said = weft(job, "cuda", **settings)
    expect(code != 0 and not out, "%s: exit code %d, stdout `%s`" % (what, code, out))
    expect(words in said and said.count("\n") == 1, "%s says `%s`" % (what, said))
    code, got, said = weft(job, "auto", how="-v", **settings)
    want = weft(job, "cpu")[1] if job != "bench" else got
    expect(code == 0 and got and got == want, "%s: auto gives %d `%s` %s" % (what, code, got, said))
    expect(words in said, "%s: auto says `%s`" % (what, said))


def refusals():
    for what, how in REFUSALS.items():
        if "CUDA 12" not in what or os.environ.get("WEFT_CUDA_SERIES") != "12":
            refused(what, *how)
    # a GPU that is too old
    with open(os.path.join(SOURCE, "tests/cuda/fake/devices/a100.json")) as file:
        properties = json.load(file)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({**properties, "deviceVer": 750}, file)
        file.flush()
        refused("an old GPU", "text", dict(FAKE_CUDA_DEVICE=file.name), "is of compute capability 7.5; 8.0 or later")
    # the device is lost in the middle of the work
    code, out, said = weft("picture", "cuda", FAKE_CUDA_FAIL_AT="1500", FAKE_CUDA_FAIL_WITH="719", FAKE_CUDA_LOST="1")
    expect(code == 6 and "device cuda" in said, "a lost device: exit code %d, `%s`" % (code, said))


# Fixtures of every sort: text in f32 and bf16, cross-attention, windows of tiles, and the features of recordings.
PARITY = ["llama-tied", "llama-bf16", "mllama-1tile", "idefics3/tied", "speech-paper"]


def parity(folder):
    told = os.path.join(folder, "report")
    for name in PARITY:
        JOBS[name] = ["model", "verify", os.path.join(SOURCE, "tests/fixtures", name)]
        code, out, said = weft(name, "cuda", FAKE_CUDA_REPORT=told)
        expect(code == 0, "%s: %d %s %s" % (name, code, out, said))
        counts = report(told)
        expect(counts["faults"] == 0 and counts["left"] == 0 and counts["kernels"] > 0, "%s: %s" % (name, counts))


# On a GPU a row is held against a copy and a product there, and gpu-test's table of it finds its place.
def speeds(folder):
    rows, page = os.path.join(folder, "rows"), os.path.join(folder, "SPEED.md")
    JOBS["speeds"] = ["bench", "--shape", "demo", "--rows", "generation.fp8", "--repeat", "1", "--context", "256", "--json"]
    code, out, said = weft("speeds", "cuda", FAKE_CUDA_MEMORY="172000000") # which makes copy and product small
    expect(code == 0, "bench: %d %s" % (code, said))
    lines = [json.loads(line) for line in out.splitlines()]
    names = [line["name"] for line in lines]
    expect(names == ["limit.gpu.copy", "limit.gpu.product", "generation.fp8"], "bench has %s" % names)
    expect(lines[2]["share"] and lines[2]["isa"].startswith("sm_"), "no share of the GPU's limits: %s" % lines[2])
    with open(rows, "w") as file:
        file.write(out)
    shutil.copy(os.path.join(SOURCE, "docs/SPEED.md"), page)
    for _ in range(2):
        subprocess.run([sys.executable, "-B", os.path.join(SOURCE, "bench/speed_page.py"), page, rows, "weft bench", "gpu", "A GPU, demo"],
                       check=True)
    with open(page) as file:
        part = file.read().split("<!-- gpu: begin -->")[1].split("<!-- gpu: end -->")[0]
    expect(part.count("### A GPU, demo") == 1 and part.count("`generation.fp8`") == 1, "the page has " + part)


def main():
    if not os.path.exists(os.path.join(SOURCE, "models/demo/text/model.safetensors")):
        print("skipped: the demo model is not here")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        for job in sys.argv[4:]:
            if job == "refusals":
                refusals()
            elif job == "parity":
                parity(folder)
            elif job == "speeds":
                speeds(folder)
            else:
                same_text(job, folder)


main()
