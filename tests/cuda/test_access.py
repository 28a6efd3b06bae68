#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What kernels cost in memory traffic, against access.table: 32-byte sectors of global memory and wavefronts of shared
memory, each over its ideal, summed over all launches of the tests of the device cuda and of plugins' kernels.

    test_access.py TABLE IMAGE.fatbin... PROFILE...        (the profiles that the tests on the fake driver wrote)

Every kernel of the images must have run. A kernel that is not in the table may have 1.25 of either. A line of the table is a kernel, the most that it may have of
both, and a reason. Exit code 1 where a kernel has more, and where the table allows what is no longer needed."""
import re
import sys

ORDINARY = 1.25


def profiles(paths):
    """{kernel: [launches, instructions, requests, sectors, ideal, requests, wavefronts, ideal]}"""
    found = {}
    for path in paths:
        for line in open(path):
            name, *numbers = line.split()
            old = found.setdefault(name, [0] * len(numbers))
            found[name] = [a + int(b) for a, b in zip(old, numbers)]
    return found


def entries(paths):
    """The kernels in the PTX of images."""
    return {name.decode() for path in paths for name in re.findall(rb"\.entry\s+(\w+)", open(path, "rb").read())}


def ratios(numbers):
    sectors, ideal_sectors, waves, ideal_waves = numbers[3], numbers[4], numbers[6], numbers[7]
    return sectors / max(ideal_sectors, 1), waves / max(ideal_waves, 1)


def main():
    table = {}
    for line in open(sys.argv[1]):
        words = line.split("#")[0].split(None, 3)
        if words:
            if len(words) < 4:
                sys.exit("FAILED: no reason: " + line.strip())
            table[words[0]] = float(words[1]), float(words[2])
    images = [path for path in sys.argv[2:] if path.endswith(".fatbin")]
    found, failures = profiles(path for path in sys.argv[2:] if path not in images), 0
    if not found or not entries(images):
        sys.exit("FAILED: no kernel ran, or no image has any")
    print("%-28s %9s %7s %7s" % ("kernel", "launches", "global", "shared"))
    for name, numbers in sorted(found.items()):
        has, may = ratios(numbers), table.get(name, (ORDINARY, ORDINARY))
        why = ""
        if any(a > b for a, b in zip(has, may)):
            why = "  FAILED: it may have %.2f and %.2f" % may
        elif name in table and all(a <= ORDINARY for a in has):
            why = "  FAILED: the table need not allow it more"
        failures += why != ""
        print("%-28s %9d %7.2f %7.2f%s" % (name, numbers[0], *has, why))
    for name in sorted(entries(images) - set(found)):
        failures += 1
        print("FAILED: %s is in an image and did not run" % name)
    for name in sorted(set(table) - set(found)):
        failures += 1
        print("FAILED: %s is in the table and did not run" % name)
    sys.exit(1 if failures else 0)


main()
