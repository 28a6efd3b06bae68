#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every public struct that says its own size has a test of another size (weft/base.h, rule R1).

    check_sizes.py SOURCE-DIR

A struct of include/weft/ that begins with a weft_hdr counts as tested where one of TESTS names it in its table or its
message: a string literal, or the HANDED of a callback. A new struct fails here until it stands in a table there.
"""
import glob
import os
import re
import sys

STRUCT = re.compile(r"struct\s+(\w+)\s*\{\s*weft_hdr\s+hdr;")
TESTED = re.compile(r'"[^"\n]*?\b(weft_\w+)[^"\n]*"|\bHANDED_(weft_\w+)')
TESTS = ("tests/model/test_sizes.c", "tests/model/test_sizes_given.c", "tests/model/test_sizes_plugin.c",
         "tests/vision/test_service.c")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def main():
    root = sys.argv[1]
    headers = sorted(glob.glob(os.path.join(root, "include/weft/**/*.h"), recursive=True))
    structs = {name: os.path.relpath(path, root) for path in headers for name in STRUCT.findall(read(path))}
    tested = {name for test in TESTS for pair in TESTED.findall(read(os.path.join(root, test))) for name in pair if name}
    missing = sorted(set(structs) - tested)
    for name in missing:
        print("%s: %s has no test of another size; the tables are in %s" % (structs[name], name, ", ".join(TESTS)),
              file=sys.stderr)
    print("%d structs, %d without a test" % (len(structs), len(missing)))
    return 1 if missing or len(structs) < 60 else 0


if __name__ == "__main__":
    sys.exit(main())
