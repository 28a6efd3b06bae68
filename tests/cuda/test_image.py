#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""examples/melody with its GPU body, made by the example's own Makefile: the image that the plugin hands over is the one
that nvcc made, it has code for each of ARCHITECTURES and PTX for those that come later, and in every one of them the
function that the plugin declares has arguments of the sizes that it declares.

    test_image.py SOURCE-DIR CC DECLARES

Exit code 77, with the reason, where nvcc is not installed."""
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

ARCHITECTURES = ("80", "90", "100")


def run(*command, **more):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **more).stdout


def skip(why):
    print("skipped: " + why)
    sys.exit(77)


def tool(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/local/cuda/bin") or skip(name + " is not installed")


def expect(truth, what):
    if not truth:
        sys.exit("FAILED: " + what)


def ptx_sizes(image, function):
    """Sizes of the arguments of an entry in the PTX of the image."""
    entry = re.search(rb"\.entry\s+%s\s*\((.*?)\)" % re.escape(function.encode()), image, re.S)
    expect(entry, "the image has no PTX of " + function)
    return [int(bits) // 8 for bits in re.findall(rb"\.param\s+(?:\.align\s+\d+\s+)?\.[usfb](\d+)", entry.group(1))]


def sections(elf):
    """{name: bytes} of an ELF file of 64 bits."""
    table, = struct.unpack_from("<Q", elf, 40)
    each, count, names = struct.unpack_from("<HHH", elf, 58)
    headers = [struct.unpack_from("<IIQQQQ", elf, table + i * each) for i in range(count)]
    text = elf[headers[names][4]:]
    return {text[h[0]:text.index(b"\0", h[0])].decode(): elf[h[4]:h[4] + h[5]] for h in headers}


def parameters(info):
    """Sizes of a function's arguments, in order, from its .nv.info: attributes of a format, a kind and two bytes, which
    are the length of what follows where the format is 4. Kind 0x17 is an argument: index, ordinal, offset, and 14 bits
    of size above 18 others."""
    found, at = {}, 0
    while at + 4 <= len(info):
        form, kind, length = struct.unpack_from("<BBH", info, at)
        if form == 4 and kind == 0x17:
            _, ordinal, _, bits = struct.unpack_from("<IHHI", info, at + 4)
            found[ordinal] = bits >> 18
        at += 4 + (length if form == 4 else 0)
    return [found[i] for i in sorted(found)]


def elf_sizes(image, function):
    """{architecture: sizes of the arguments} of the code in an image that is not compressed."""
    found = {}
    for match in re.finditer(b"\x7fELF", image):
        elf = image[match.start():]
        flags, = struct.unpack_from("<I", elf, 48)
        arch = str(flags >> 8 & 0xff if elf[8] >= 8 else flags & 0xff) # where it stands is the ABI version's
        info = sections(elf).get(".nv.info." + function)
        expect(info is not None, "sm_%s has no function %s" % (arch, function))
        found[arch] = parameters(info)
    return found


def main():
    source, cc, declares = os.path.abspath(sys.argv[1]), sys.argv[2], os.path.abspath(sys.argv[3])
    nvcc = tool("nvcc")
    known = run(nvcc, "--list-gpu-code").split()
    missing = [a for a in ARCHITECTURES if "sm_" + a not in known]
    if missing:
        skip("this nvcc makes no code for sm_" + missing[0])
    with tempfile.TemporaryDirectory() as folder:
        place = os.path.join(folder, "melody")
        shutil.copytree(os.path.join(source, "examples", "melody"), place,
                        ignore=shutil.ignore_patterns("*.so", "notes.fatbin", "notes_fatbin.h"))
        codes = "--no-compress " + " ".join("-gencode arch=compute_%s,code=sm_%s" % (a, a) for a in ARCHITECTURES)
        codes += " -gencode arch=compute_%s,code=compute_%s" % (ARCHITECTURES[-1], ARCHITECTURES[-1])
        run("make", "-s", "-C", place, "NVCC=" + nvcc, "CC=" + cc, "CODES=" + codes,
            "INCLUDE=-I" + os.path.join(source, "include"), "CFLAGS=-O2 -Wall -Wextra -Werror")
        fatbin, image = os.path.join(place, "notes.fatbin"), os.path.join(folder, "image")
        declared = [line.split() for line in run(declares, os.path.join(place, "melody.so"), image).splitlines()]
        with open(fatbin, "rb") as made, open(image, "rb") as handed:
            code = handed.read()
            expect(made.read() == code, "the plugin hands over another image than nvcc made")
        expect([line[0] for line in declared] == ["notes_gpu"], "it declares %s" % declared)
        for function, *sizes in declared:
            sizes = [int(size) for size in sizes]
            found = ptx_sizes(code, function)
            expect(found == sizes, "%s: PTX has %s, declared are %s" % (function, found, sizes))
            found = elf_sizes(code, function)
            expect(sorted(found) == sorted(ARCHITECTURES), "code is for sm_" + ", sm_".join(sorted(found)))
            for arch, has in found.items():
                expect(has == sizes, "%s: sm_%s has %s, declared are %s" % (function, arch, has, sizes))
    print("notes_gpu is for sm_%s and later" % ", sm_".join(ARCHITECTURES))


if __name__ == "__main__":
    main()
