#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The files and folders that the documents name exist.

    check_paths.py SOURCE-DIR

What counts is `code` in a Markdown file that begins with a folder of the tree (`core/kv/pages.c`, `plugins/vision/`), from
the root, and the bare name of a C file (`pages.c`), wherever it is. Paths under models/ are transformers' as well as ours
and are left out.
"""
import os
import re
import sys

TOP = "core|cli|plugins|tests|docs|tools|scripts|examples|include|cmake|bench|training|cuda"
PATH = re.compile(rf"`((?:{TOP})/[\w./-]+)`")
NAME = re.compile(r"`([a-z0-9_]+\.[ch])`")
SKIPPED = {".git", "node_modules"}


def walk(root):
    for folder, below, names in os.walk(root):
        below[:] = [name for name in below if name not in SKIPPED and not name.startswith("build")]
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), root)


def check(root, files):
    names = {os.path.basename(path) for path in files}
    for path in files:
        if not path.endswith(".md"):
            continue
        with open(os.path.join(root, path), encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                for named in PATH.findall(line):
                    if not os.path.exists(os.path.join(root, named)):
                        yield f"{path}:{number}: there is no {named}"
                for named in NAME.findall(line):
                    if named not in names:
                        yield f"{path}:{number}: there is no {named}"


def main():
    root = sys.argv[1]
    faults = list(check(root, sorted(walk(root))))
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
