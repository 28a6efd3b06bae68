#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/nvcc-by-nvrtc with the NVRTC of the toolkit that is installed: its fat binaries have the codes that were asked
for and the kernels of nvcc's own, and what it cannot do it refuses.

    test_nvrtc.py SOURCE-DIR NVCC

Exit code 77, with the reason, where the toolkit has no NVRTC."""
import glob
import os
import re
import struct
import subprocess
import sys
import tempfile

SOURCE, NVCC = sys.argv[1:3]
KERNELS = os.path.join(SOURCE, "cuda/kernels/rows.cu")
STRICT = ["-std=c++17", "-O3", "-fmad=false", "--no-compress", "--Werror", "all-warnings", "-Xptxas",
          "-warn-spills,-warn-lmem-usage", "-I" + SOURCE, "-I" + os.path.join(SOURCE, "include")]


def expect(truth, what):
    if not truth:
        sys.exit("FAILED: " + what)


def library():
    folder = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(NVCC))), "lib64")
    found = sorted(glob.glob(os.path.join(folder, "libnvrtc.so.*")))
    if not found:
        print("skipped: there is no libnvrtc.so in " + folder)
        sys.exit(77)
    return found[0]


def compile_by(library, *options):
    done = subprocess.run([sys.executable, "-B", os.path.join(SOURCE, "scripts/nvcc-by-nvrtc"), library, *options],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return done.returncode, done.stdout, done.stderr


def codes(image):
    """[(kind, capability, bytes)] of a fat binary."""
    found, at = [], 16
    magic, version, head, size = struct.unpack_from("<IHHQ", image)
    expect((magic, version, head, size) == (0xba55ed50, 1, 16, len(image) - 16), "the head of the fat binary")
    while at < len(image):
        kind, _, head, size, _, _, _, _, capability = struct.unpack_from("<HHIQIIHHI", image, at)
        found.append((kind, capability, image[at + head:at + head + size]))
        at += head + size
    return found


def entries(ptx):
    return set(re.findall(rb"\.entry\s+(\w+)", ptx))


def main():
    nvrtc = library()
    with tempfile.TemporaryDirectory() as folder:
        out, theirs, deps = (os.path.join(folder, name) for name in ("ours.fatbin", "theirs.ptx", "deps"))
        code, said, wrong = compile_by(nvrtc, "-fatbin", *STRICT, "-gencode", "arch=compute_80,code=compute_80",
                                       "-gencode", "arch=compute_90,code=sm_90", "-MD", "-MF", deps, "-o", out, KERNELS)
        expect(code == 0, "it does not compile: " + wrong)
        with open(out, "rb") as file:
            made = codes(file.read())
        expect([m[:2] for m in made] == [(1, 80), (2, 90)], "the codes are %s" % [m[:2] for m in made])
        subprocess.run([NVCC, "-ptx", "-arch=compute_80", "-std=c++17", "-I" + SOURCE, "-I" + SOURCE + "/include", "-o",
                        theirs, KERNELS], check=True)
        with open(theirs, "rb") as file:
            expect(entries(made[0][2]) == entries(file.read()) != set(), "the kernels are not those of nvcc")
        expect(made[1][2].startswith(b"\x7fELF"), "the machine code is none")
        with open(deps) as file:
            expect("core/ops/op.h" in file.read(), "the file of dependencies lacks one")
        code, said, wrong = compile_by(nvrtc, "--version")
        expect(code == 0 and "release " in said, "its version is `%s`" % said)
        for options, words in ((("-fatbin", "-lineinfo", "-o", out, KERNELS), "-lineinfo is not known"),
                               (("-fatbin", *STRICT, "-gencode", "arch=compute_100,code=sm_100", "-o", out, KERNELS),
                                "leave it out of WEFT_CUDA_ARCHITECTURES"),
                               (("-ptx", "-arch=compute_80", "-o", out), "a source are needed")):
            code, said, wrong = compile_by(nvrtc, *options)
            expect(code != 0 and words in wrong, "%s: %d `%s`" % (options[1], code, wrong))
        for planted in sorted(glob.glob(os.path.join(SOURCE, "tests/cuda/planted/static/*.cu"))):
            code, said, wrong = compile_by(nvrtc, "-fatbin", *STRICT, "-gencode", "arch=compute_80,code=sm_80", "-o", out,
                                           planted)
            expect(code != 0 and "does not compile" in wrong, "%s: %d `%s`" % (planted, code, wrong))


main()
