#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/unit/ini_cases.inc: configuration files and what Python's configparser reads in them.

configparser is the oracle of core/io/ini.c: a file that our reader takes must mean the same to both.
Our reader refuses more, so that a typing error is never read as something else; the cases of STRICT
say each time what configparser makes of it.
"""
import configparser
import io
import pathlib

PLAIN = [
    b"",
    b"\n\n  \n\t\n",
    b"# only a comment\n; another\n   # with blanks before it\n",
    b"[core]\n",
    b"[core]\nmodel = ./dir\n",
    b"[core]\nmodel=./dir",
    b"[core]\nmodel\t=\t./dir\t \n",
    b"[core]\nempty =\nnext = 1\n",
    b"[core]\nempty =   \n",
    b"[core]\nempty=\n\n\nnext=2\n",
    b"[core]\na = b = c\n",
    b"[core]\na == c\n",
    b"[core]\na = [b]\n",
    b"[core]\na = \"quoted\"\n",
    b"[core]\na = 'single'\n",
    b"[core]\na = x ; not a comment\n",
    b"[core]\na = x # not a comment\n",
    b"[core]\na = ;x\n",
    b"[core]\na = #x\n",
    b"[core]\na = back\\slash\\\n",
    b"[core]\na = ${HOME} %(b)s %%\n",
    b"[core]\na = x:y\n",
    b"[core]\na-b_c.d9 = 1\n",
    b"[core]\n9 = 1\n- = 2\n. = 3\n_ = 4\n",
    b"[core]\na = \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n",
    b"[core]\nprompt = What is this? Say it in one sentence, please.\n",
    b"[core]\na = " + b"long " * 200 + b"end\n",
    b"[core]\r\nmodel = ./dir\r\n\r\n[other]\r\nkey = v\r\n",
    b"\xef\xbb\xbf[core]\na = 1\n",
    b"\xef\xbb\xbf# comment\n[core]\na = 1\n",
    b"[core]\na = 1\n[plugin weft.vision]\na = 2\nweights = ./dir\n[plugin weft.speech]\nweights = x\n",
    b"[core]\na = 1\n\n# comment\n\nb = 2\n",
    b"[core]\n; a = 1\nb = 2\n",
    b"[core]\na = 1\n  # an indented comment\nb = 2\n",
    b"[DEFAULT]\na = 1\n[core]\nb = 2\n",
    b"[default]\na = 1\n",
    b"[Core]\na = 1\n[core]\na = 2\n",
    b"[a b  c]\nk = v\n",
    b"[a=b]\nk = v\n",
    b"[\xc3\xa9]\nk = v\n",
    b"[#]\nk = v\n",
    b"[core]  \nk = v\n",
    b"[core]\t\nk = v\n",
    b"[core]\na = x\ty\n",
    b"[core]\na = true\nb = 1e3\nc = 0x10\n",
    b"[core]\nset = weft.vision.device=cpu\n",
    b"[core]\na = 1\n\n[empty]\n\n[core2]\nb = 1\n",
    # Refused by both.
    b"a = 1\n",
    b"a\n",
    b"# c\n\na = 1\n[core]\n",
    b"[core]\na = 1\na = 2\n",
    b"[core]\na = 1\nb = 2\na = 1\n",
    b"[core]\n[core]\n",
    b"[core]\na = 1\n[other]\n[core]\nb = 2\n",
    b"[core\na = 1\n",
    b"[]\na = 1\n",
    b"[core]\njust words\n",
    b"[core]\nkey\n",
    b"[core]\nkey: value\n",
    b"[core]\n= value\n",
    b"[core]\n [next\n",
    b"[core]\na = \xff\n",
    b"[core]\na = \xc3(\n",
    b"[core]\na = \xed\xa0\x80\n",
    b"[core]\na = \xc0\xaf\n",
    b"[c\xe9]\n",
    b"\xfe\xff[core]\n",
    b"[core]\n\xe2\x82\n",
]

STRICT = [
    b"[core]\na = 1\n  continued\n",  # a value of two lines
    b"[core]\na = 1\n  b = 2\n",  # a value of two lines
    b"[core]\n a = 1\n",  # an indented key
    b"[core]\n\ta = 1\n",
    b" [core]\na = 1\n",  # an indented section
    b"[core]\na = 1\n [x]\n",  # a value of two lines
    b"[core] trailing\na = 1\n",  # the rest of the line is dropped
    b"[core]]\na = 1\n",  # a section "core]"
    b"[a]b]\na = 1\n",
    b"[[core]\na = 1\n",  # a section "[core"
    b"[ core ]\na = 1\n",  # a section " core "
    b"[core ]\na = 1\n",
    b"[core] ; comment\na = 1\n",
    b"[core]\nKey = 1\n",  # other keys than a-z 0-9 _ . -
    b"[core]\na b = 1\n",
    b"[core]\na/b = 1\n",
    b"[core]\n\xc3\xa9 = 1\n",
    b"[core]\n\"a\" = 1\n",
    b"[core]\na: b = 1\n",
    b"[core]\na = x\0y\n",  # NUL and other control characters
    b"\0",
    b"[co\0re]\n",
    b"[core]\na\0 = 1\n",
    b"[core]\na = \x1b[31m\n",
    b"[core]\na = x\x7fy\n",
    b"[core]\na = x\x0by\n",
    b"[core]\ra = 1\r",  # a lone carriage return
    b"[core]\na = 1\rb = 2\n",
    b"[core]\na = 1\r\r\n",
    b"[core]\n\xef\xbb\xbfa = 1\n",  # a mark of byte order elsewhere
    b"\xef\xbb\xbf\xef\xbb\xbf[core]\n",
]


def oracle(data):
    """The entries (section, key, value) that configparser reads; None: it refuses."""
    parser = configparser.RawConfigParser(
        delimiters=("=",), comment_prefixes=("#", ";"), empty_lines_in_values=False, default_section=""
    )
    parser.optionxform = str
    try:
        parser.read_file(io.StringIO(data.decode("utf-8-sig"), newline=None))
    except (configparser.Error, UnicodeDecodeError):
        return None
    return [(s, k, v) for s in parser.sections() for k, v in parser.items(s)]


def c_string(data):
    out = ""
    for byte in data:
        if byte in b'"\\':
            out += "\\" + chr(byte)
        elif byte == 10:
            out += "\\n"
        elif 32 <= byte < 127 and byte != 63:
            out += chr(byte)
        else:
            out += "\\%03o" % byte
    return '"' + out + '"'


def row(data, strict):
    entries = oracle(data)
    text = "".join("%s|%s|%s\n" % e for e in entries or []).encode("utf-8")
    expected = c_string(text) if entries is not None and not strict else "NULL"
    return "{ %s,\n  %d, %s },\n" % (c_string(data), len(data), expected)


def main():
    target = pathlib.Path(__file__).resolve().parent.parent / "tests" / "unit" / "ini_cases.inc"
    with open(target, "w", encoding="ascii") as out:
        out.write("/* SPDX-License-Identifier: Apache-2.0 */\n")
        out.write("/* Written by tools/make_ini_cases.py with Python's configparser: text, bytes, entries\n")
        out.write(" * (SECTION|KEY|VALUE, one a line; NULL: to be refused). Long rows are long cases. */\n")
        for data in PLAIN:
            out.write(row(data, False))
        out.write("/* Refused by us alone. */\n")
        for data in STRICT:
            out.write(row(data, True))


if __name__ == "__main__":
    main()
