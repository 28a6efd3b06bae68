#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts the rows of `weft bench --json` into the marked part of a page: one table for each class of machine.

    speed_page.py PAGE ROWS COMMAND [MARK HEADING]

The part is between `<!-- bench: begin -->` and `<!-- bench: end -->`, or between the same with MARK for bench, whose tables
have HEADING instead of the class (scripts/gpu-test).

A class is what decides which code runs: the maker of the CPU and its instruction sets, and the number of cores. A row that
was measured before keeps its old value beside the new one; rows that were not measured this time stay as they were.
"""
import json
import os
import re
import sys

SETS = ("avx2", "avx512f", "avx512_bf16", "avx_vnni", "avx512_vnni", "amx_bf16", "amx_int8")
HEAD = "| row | value | limit | share | before |\n|---|---|---|---|---|\n"


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        text = file.read()
    maker = re.search(r"^vendor_id\s*:\s*(\S+)", text, re.M)
    flags = re.search(r"^flags\s*:\s*(.*)$", text, re.M)
    have = set(flags.group(1).split()) if flags else set()
    names = {"AuthenticAMD": "AMD", "GenuineIntel": "Intel"}
    who = maker.group(1) if maker else os.uname().machine
    sets = ", ".join(s for s in SETS if s in have) or "no vector sets that weft uses"
    return f"{names.get(who, who)}, {len(os.sched_getaffinity(0))} cores: {sets}"


def number(v):
    return f"{v:.4g}" if v is not None else ""


def table_rows(section):
    """{row: its cells} of a table that was written before."""
    found = re.findall(r"^\| `([^`]+)` \| (.*) \|$", section, re.M)
    return {name: [cell.strip() for cell in cells.split("|")] for name, cells in found}


def line(row, before):
    value = f"{number(row['value'])} {row['unit']}"
    share = f"{100 * row['share']:.0f} %" if row["share"] is not None else ""
    if row.get("share_now") is not None:
        share += f" ({100 * row['share_now']:.0f})"
    return [value, number(row["limit"]), share, before]


def section(heading, old, rows, command):
    cells = table_rows(old)
    for row in rows:
        was = cells.get(row["name"], [""])[0]
        cells[row["name"]] = line(row, was)
    isa = next((row["isa"] for row in rows if row["isa"]), "")
    threads = max(row["threads"] for row in rows)
    body = "".join(f"| `{name}` | {' | '.join(c)} |\n" for name, c in cells.items())
    return f"### {heading}\n\n`{command}`: {threads} threads, {isa or 'limits alone'}.\n\n{HEAD}{body}\n"


def main():
    page, rows_file, command, *more = sys.argv[1:]
    mark, heading = more or ("bench", machine())
    begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    with open(rows_file, encoding="utf-8") as file:
        rows = [json.loads(text) for text in file]
    if not rows:
        sys.exit("bench: nothing was measured")
    with open(page, encoding="utf-8") as file:
        text = file.read()
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        sys.exit(f"bench: {page} has no part between {begin} and {end}")
    before, rest = text.split(begin)
    inside, after = rest.split(end)
    parts = {p.split("\n", 1)[0]: p for p in re.split(r"^### ", inside, flags=re.M)[1:]}
    made = section(heading, parts.pop(heading, ""), rows, command.strip())
    others = "".join(f"### {p.rstrip()}\n\n" for p in parts.values())
    part = page + ".part"
    with open(part, "w", encoding="utf-8") as file:
        file.write(f"{before}{begin}\n\n{others}{made}{end}{after}")
    os.replace(part, page)


if __name__ == "__main__":
    main()
