#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The flags that kernels are compiled with fail a build that spills registers or keeps an array in local memory, and say
so; and scripts/sass-rules finds what a kernel must have and must not have in the machine code.

    test_static.py SOURCE-DIR NVCC"""
import os
import subprocess
import sys
import tempfile

FLAGS = ["-std=c++17", "-O3", "-fatbin", "--no-compress", "--Werror", "all-warnings", "-Xptxas", "-warn-spills,-warn-lmem-usage"]
ARCHITECTURES = ["80", "90", "100"]


def compiles(nvcc, source, image, *more, flags=FLAGS, architectures=ARCHITECTURES):
    codes = [a for arch in architectures for a in ("-gencode", "arch=compute_%s,code=sm_%s" % (arch, arch))]
    done = subprocess.run([nvcc, *flags, *codes, *more, "-o", image, source], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    return done.returncode == 0, done.stdout


def expect(truth, what):
    if not truth:
        sys.exit("FAILED: " + what)


def rules(source, image, folder, text):
    path = os.path.join(folder, "rules")
    with open(path, "w") as file:
        file.write(text)
    return subprocess.run([sys.executable, "-B", os.path.join(source, "scripts/sass-rules"), path, image],
                          stdout=subprocess.PIPE, text=True)


def test_flags(nvcc, planted, image):
    ok, said = compiles(nvcc, planted + "/static/spill.cu", image)
    expect(not ok and "spill" in said, "a kernel that spills was built: " + said)
    ok, said = compiles(nvcc, planted + "/static/spill.cu", image, "-DENOUGH")
    expect(ok, "the same kernel with registers enough was not built: " + said)
    ok, said = compiles(nvcc, planted + "/static/local.cu", image)
    expect(not ok and "local memory" in said.lower(), "a kernel with an array in local memory was built: " + said)


def test_rules(nvcc, source, planted, folder, image):
    plain = [flag for flag in FLAGS if "warn" not in flag and flag not in ("--Werror", "-Xptxas")]
    expect(compiles(nvcc, planted + "/static/local.cu", image, flags=plain)[0], "local.cu was not built")
    done = rules(source, image, folder, "planted_* -LDL\n")
    if done.returncode == 77:
        print(done.stdout.strip() + " (the rules alone; the flags were tested)")
        return
    expect(done.returncode == 1 and "planted_local, sm_80: LDL is there" in done.stdout, "LDL was not found: " + done.stdout)
    expect(rules(source, image, folder, "nobody LDG\n").returncode == 1, "a rule for no function was taken")
    expect(compiles(nvcc, planted + "/warp.cu", image, architectures=["80"])[0], "warp.cu was not built")
    done = rules(source, image, folder, "right_async LDGSTS -HMMA -LDL\nwrong_mask_mma HMMA # it is there\n")
    expect(done.returncode == 0, "right kernels break rules: " + done.stdout)
    done = rules(source, image, folder, "right_async LDGSTS LDG.E>=8\n")
    expect(done.returncode == 1 and "LDG.E>=8: 0 in flight" in done.stdout, "no loads in flight were found: " + done.stdout)
    expect(compiles(nvcc, planted + "/sass/ring.cu", image)[0], "ring.cu was not built")
    done = rules(source, image, folder, "planted_ring LDGSTS>=6\n")
    expect(done.returncode == 0, "two copies three groups ahead are not six: " + done.stdout)
    done = rules(source, image, folder, "planted_* LDGSTS>=7\n")
    expect("planted_ring, sm_80: LDGSTS>=7: 6 in flight" in done.stdout, "copies are counted wrongly: " + done.stdout)
    expect("planted_loop, sm_80: LDGSTS>=7: 0 in flight" in done.stdout, "copies of a loop count: " + done.stdout)


def main():
    source, nvcc = sys.argv[1:]
    planted = os.path.join(source, "tests/cuda/planted")
    with tempfile.TemporaryDirectory() as folder:
        image = os.path.join(folder, "image")
        test_flags(nvcc, planted, image)
        test_rules(nvcc, source, planted, folder, image)


main()
