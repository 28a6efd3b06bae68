# SPDX-License-Identifier: Apache-2.0
"""What the tests of the command line share: running weft, small files, and skipping."""
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

WEFT = os.environ["WEFT"]
SOURCE = os.environ["WEFT_SOURCE_DIR"]
SANITIZED = os.environ.pop("WEFT_TEST_SANITIZE", "") != ""
FIXTURES = os.path.join(SOURCE, "tests", "fixtures")
DEMO = os.path.join(SOURCE, "models", "demo")
TINY = os.path.join(FIXTURES, "tokenizer", "tiny.json")

# A test that hangs is a failure; sanitizers and a busy machine are slow.
TIMEOUT_S = 240


def environment(home):
    """The caller's, without what could change an answer."""
    env = {k: v for k, v in os.environ.items()
           if not k.startswith("WEFT") and k != "XDG_CONFIG_HOME"}
    env["HOME"] = home
    return env


class Result:
    def __init__(self, process):
        self.code = process.returncode
        self.out = process.stdout
        self.err = process.stderr.decode(errors="replace") if process.stderr is not None else ""

    def json_lines(self):
        return [json.loads(line) for line in self.out.decode().splitlines()]


def without_cuts(err):
    """Messages without the warnings of answers that -n cut, where a test is about others."""
    return re.sub(r"weft: warning: .*the answer was cut after .*\n", "", err)


class Case(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="weft-cli-")
        self.addCleanup(shutil.rmtree, self.dir, True)
        self.env = environment(self.dir)

    def weft(self, *args, stdin=b"", **more):
        process = subprocess.run([WEFT, *args], input=stdin, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, env=self.env, cwd=self.dir,
                                 timeout=TIMEOUT_S, **more)
        self.assertGreaterEqual(process.returncode, 0, "weft died of a signal")
        return Result(process)

    def ok(self, *args, **more):
        r = self.weft(*args, **more)
        self.assertEqual(r.code, 0, r.err)
        return r

    def fails(self, code, *args, **more):
        """The exit code, one line on standard error, and nothing on standard output."""
        r = self.weft(*args, **more)
        self.assertEqual(r.code, code, r.err)
        self.assertEqual(r.out, b"")
        lines = r.err.splitlines()
        self.assertEqual(len(lines), 1, r.err)
        self.assertTrue(lines[0].startswith("weft: "), r.err)
        # no pointer; the scratch folder's random name may hold anything
        self.assertNotRegex(lines[0].replace(self.dir, ""), "0x[0-9a-fA-F]{5}")
        return lines[0]

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, data):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)
        return path


def png(width, height, colour=(200, 30, 40)):
    """An 8-bit RGB picture of one colour."""
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
    rows = (b"\0" + bytes(colour) * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows))
            + chunk(b"IEND", b""))


def read_safetensors(path):
    """{name: (dtype, shape, bytes)}."""
    with open(path, "rb") as f:
        data = f.read()
    n = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + n])
    header.pop("__metadata__", None)
    return {k: (v["dtype"], v["shape"], data[8 + n:][slice(*v["data_offsets"])])
            for k, v in header.items()}


def write_safetensors(path, tensors):
    header, body = {}, b""
    for name, (dtype, shape, data) in tensors.items():
        offsets = [len(body), len(body) + len(data)]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + body)


def has_demo():
    return all(os.path.exists(os.path.join(DEMO, p)) for p in
               ("weft.ini", "text/model.safetensors", "vision/model.safetensors"))


def main(needs_demo):
    if needs_demo and not has_demo():
        print("skipped: the demo model is not in models/demo")
        sys.exit(77)
    unittest.main(verbosity=2)
