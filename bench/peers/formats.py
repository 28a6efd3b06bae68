# SPDX-License-Identifier: Apache-2.0
"""Which format a peer is to run in, so that it is a fair one."""

CPUINFO = "/proc/cpuinfo"
MULTIPLIES_BF16 = {"avx512_bf16", "amx_bf16", "bf16"}  # the last on aarch64


def multiplies_bf16(cpuinfo):
    """Whether a CPU of that /proc/cpuinfo has an instruction for it."""
    for line in cpuinfo.splitlines():
        key, _, words = line.partition(":")
        if key.strip() in ("flags", "Features") and MULTIPLIES_BF16 & set(words.split()):
            return True
    return False


def fair_format(asked, path=CPUINFO):
    """bf16 or f32: as asked, or what this CPU has an instruction for. Where nobody can tell it is bf16."""
    if asked != "auto":
        return asked
    try:
        with open(path) as file:
            return "bf16" if multiplies_bf16(file.read()) else "f32"
    except OSError:
        return "bf16"
