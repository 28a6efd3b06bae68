#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the Unicode tables of plugins/text: general categories, what normal form C needs, or upper and lower case and what
Python's repr() shows as it is.

The Unicode version is pinned, so that everybody generates the same bytes. It is the one that
tiktoken's regular expressions know; Python's own unicodedata is usually older, so the package
unicodedata2 of the same version is used where it is installed. Never needed to build.

    python3 tools/gen_unicode.py categories > plugins/text/unicode_tables.c
    python3 tools/gen_unicode.py nfc > plugins/text/nfc_tables.c
    python3.11 tools/gen_unicode.py case > plugins/text/template/case_tables.c

Chat templates change case as Python's own strings do, so the tables of case are those of Python 3.11.
"""
import sys
import unicodedata as of_python

UNICODE = "16.0.0"
UNICODE_CASE = "14.0.0"

try:
    import unicodedata2 as unicodedata
except ImportError:
    import unicodedata

# The numbers of unicode.h.
CATEGORIES = {"Lu": 1, "Lt": 1, "Ll": 2, "Lm": 3, "Lo": 3, "Mn": 4, "Mc": 4, "Me": 4, "Nd": 5, "Nl": 6, "No": 7, "Pc": 8}
HANGUL = range(0xAC00, 0xD7A4)  # composed and decomposed by arithmetic


def ranges(value):
    """[first, last, value] runs of code points that have the same value, which is not 0."""
    runs = []
    for cp in range(0x110000):
        v = value(chr(cp))
        if not v:
            continue
        if runs and runs[-1][1] == cp - 1 and runs[-1][2] == v:
            runs[-1][1] = cp
        else:
            runs.append([cp, cp, v])
    return runs


def table(kind, name, count, rows, columns=""):
    print(f"\nconst {kind} {name}[]{columns} = {{")
    line = "   "
    for row in rows:
        item = f" {{{', '.join(f'{x:#x}' for x in row)}}}," if len(row) > 1 else f" {row[0]:#x},"
        if len(line) + len(item) > 100:
            print(line)
            line = "   "
        line += item
    print(line)
    print("};")
    if count:
        print(f"const uint32_t {count} = {len(rows)};")


def categories():
    table("txt_category", "txt_categories", "txt_n_categories",
          ranges(lambda c: CATEGORIES.get(unicodedata.category(c), 0)))


def nfc():
    chars, parts, pairs = [], [], []
    for cp in range(0x110000):
        if cp in HANGUL or 0xD800 <= cp < 0xE000:
            continue
        full = unicodedata.normalize("NFD", chr(cp))
        if full != chr(cp):
            parts.append((cp, len(chars), len(full)))
            chars += [(ord(c),) for c in full]
        one = unicodedata.decomposition(chr(cp)).split()
        if len(one) == 2 and one[0][0] != "<" and unicodedata.normalize("NFC", chr(cp)) == chr(cp):
            pairs.append((int(one[0], 16), int(one[1], 16), cp))
    table("txt_nfc_class", "txt_nfc_classes", "txt_n_nfc_classes", ranges(unicodedata.combining))
    table("txt_nfc_parts", "txt_nfc_decompositions", "txt_n_nfc_decompositions", parts)
    table("uint32_t", "txt_nfc_chars", None, chars)
    table("txt_nfc_pair", "txt_nfc_pairs", "txt_n_nfc_pairs", sorted(pairs))


def steps(change):
    """[first, last, step, what is added] runs of code points whose changed form is one other code point."""
    runs = []
    for cp in (c for c in range(0x110000) if not 0xD800 <= c < 0xE000):
        to = change(chr(cp))
        if len(to) != 1 or to == chr(cp):
            continue
        added, last = ord(to) - cp, runs[-1] if runs else None
        if last and last[3] == added and cp - last[1] in ((1, 2) if last[0] == last[1] else (last[2],)):
            last[1:3] = cp, cp - last[1]
        else:
            runs.append([cp, cp, 1, added])
    return runs


def case():
    def three(text):
        return [ord(c) for c in text] + [0] * (3 - len(text))
    for name, change in (("upper", str.upper), ("lower", str.lower), ("title", str.title)):
        table("tpl_case_run", f"tpl_{name}_runs", f"tpl_n_{name}_runs", steps(change))
    wide = [c for c in map(chr, range(0x110000)) if max(len(c.upper()), len(c.title())) > 1]
    table("uint32_t", "tpl_wide", "tpl_n_wide", [[ord(c), *three(c.upper()), *three(c.title())] for c in wide], "[7]")
    hidden = [[first, last] for first, last, _ in ranges(lambda c: not c.isprintable())]
    table("tpl_hidden_run", "tpl_hidden", "tpl_n_hidden", hidden)


def main():
    if sys.argv[1:] == ["case"]:
        if of_python.unidata_version != UNICODE_CASE:
            sys.exit(f"gen_unicode.py: case is that of a Python which knows Unicode {UNICODE_CASE}")
    elif unicodedata.unidata_version != UNICODE:
        sys.exit(f"gen_unicode.py: this Python knows Unicode {unicodedata.unidata_version}, and the tables "
                 f"are of {UNICODE}: install unicodedata2 {UNICODE}")
    what = {"categories": (categories, "General categories", "unicode.h"),
            "nfc": (nfc, "Canonical decomposition and composition", "unicode.h"),
            "case": (case, "Case, and what is not printable,", "case.h")}
    if len(sys.argv) != 2 or sys.argv[1] not in what:
        sys.exit("gen_unicode.py: categories, nfc or case?")
    print("/* Generated by tools/gen_unicode.py: do not edit. */")
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* clang-format off */")
    print(f"/* {what[sys.argv[1]][1]} of Unicode {UNICODE_CASE if sys.argv[1] == 'case' else UNICODE}. */")
    print(f'#include "{what[sys.argv[1]][2]}"')
    what[sys.argv[1]][0]()


if __name__ == "__main__":
    main()
