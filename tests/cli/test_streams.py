# SPDX-License-Identifier: Apache-2.0
"""Standard streams that are full, closed, terminals or gone, and Ctrl-C."""
import json
import os
import pty
import select
import signal
import subprocess
import time

import harness
from harness import png

# A text that goes on: at this temperature the stop token is one of 2000.
LONG = ("generate", "-p", "a", "--temperature", "100", "-n", "2000", "--seed", "1")


class Output(harness.Case):
    def setUp(self):
        super().setUp()
        self.red = self.write("red.png", png(64, 64))

    def into(self, stdout, *args, stdin=b"", **more):
        p = subprocess.run([harness.WEFT, *args], input=stdin, stdout=stdout,
                           stderr=subprocess.PIPE, env=self.env, cwd=self.dir,
                           timeout=harness.TIMEOUT_S, **more)
        return p.returncode, p.stderr.decode()

    def test_a_full_disk(self):
        for args, stdin in ((("--help",), b""), (("describe", self.red), b""),
                            (("describe", "--json", self.red, self.red), b""),
                            (("tokenize",), b"a\n"), (("plugin", "list"), b""),
                            (("model", "inspect"), b""), (LONG, b"")):
            with open("/dev/full", "wb") as full:
                code, err = self.into(full, *args, stdin=stdin)
            self.assertEqual(code, 1, args)
            self.assertEqual(err.count("\n"), 1, err)
            self.assertIn("No space left", err)

    def test_closed_standard_output(self):
        code, err = self.into(None, "describe", self.red, preexec_fn=lambda: os.close(1))
        self.assertEqual(code, 1, err)
        self.assertIn("standard output", err)

    def test_closed_standard_output_that_nobody_needs(self):
        # With descriptor 1 free, the file written could become it.
        out = self.path("o.safetensors")
        args = ("preprocess", self.red, "-o", out)
        code, err = self.into(None, *args, preexec_fn=lambda: os.close(1))
        self.assertEqual((code, err), (0, ""))
        with open(out, "rb") as f:
            closed = f.read()
        self.ok(*args)
        with open(out, "rb") as f:
            self.assertEqual(f.read(), closed)

    def test_closed_standard_input_and_error(self):
        p = subprocess.run([harness.WEFT, "describe", self.red], stdout=subprocess.PIPE,
                           env=self.env, preexec_fn=lambda: (os.close(0), os.close(2)),
                           timeout=harness.TIMEOUT_S)
        self.assertEqual(p.returncode, 0)
        self.assertEqual(p.stdout, self.ok("describe", self.red).out)

    def test_a_reader_that_leaves(self):
        for args in (("help", "--all"), LONG, ("describe", "--json", self.red, self.red)):
            p = subprocess.Popen([harness.WEFT, *args], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, env=self.env, cwd=self.dir)
            p.stdout.close()
            err = p.stderr.read()
            p.stderr.close()
            self.assertEqual((p.wait(harness.TIMEOUT_S), err), (0, b""), args)

    def test_no_locale_and_no_home(self):
        bare = {k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")} # a sanitizer's own, where there is one
        p = subprocess.run([harness.WEFT, "describe", self.red], stdout=subprocess.PIPE, env=bare,
                           timeout=harness.TIMEOUT_S)
        self.assertEqual(p.stdout, self.ok("describe", self.red).out)
        self.env["LC_ALL"] = "de_DE.UTF-8" # a comma for the decimal point, where it is installed
        self.ok("describe", "--temperature", "0.5", self.red)


class Terminal(harness.Case):
    def on_terminal(self, *args, out=True, stdin=b""):
        """What a terminal gets that is standard error, and standard output where asked for."""
        ours, theirs = pty.openpty()
        p = subprocess.Popen([harness.WEFT, *args], stdin=subprocess.PIPE, stderr=theirs,
                             stdout=theirs if out else subprocess.DEVNULL, env=self.env,
                             cwd=self.dir)
        os.close(theirs)
        p.stdin.write(stdin)
        p.stdin.close()
        got = b""
        try:
            while chunk := os.read(ours, 65536):
                got += chunk
        except OSError: # the other end is closed
            pass
        os.close(ours)
        self.assertEqual(p.wait(harness.TIMEOUT_S), 0, got)
        return got

    def test_progress_and_summary(self):
        red = self.write("red.png", png(64, 64))
        got = self.on_terminal("describe", red, out=False)
        self.assertIn(b"\r\x1b[K", got)
        self.assertIn(b"weights", got)
        self.assertEqual(got.count(b"generated"), 1)
        self.assertEqual(self.on_terminal("describe", "-q", red, out=False), b"")

    def test_a_text_cannot_play_with_the_terminal(self):
        tokenizer = ("tokenize", "--tokenizer", harness.TINY)
        text = "a\x1b[31m\x07b\x7f\u009bc\rd\te é日\n".encode() + b"\xff\xc3(\n"
        ids = self.ok(*tokenizer, stdin=text).out
        got = self.on_terminal(*tokenizer, "--decode", "-q", stdin=ids).replace(b"\r\n", b"\n")
        bad = "\ufffd"
        want = "a%s[31m%sb%s%sc%sd\te é日\n%s%s(\n" % ((bad,) * 7)
        self.assertEqual(got.decode(), want)
        # A pipe gets the bytes.
        self.assertEqual(self.ok(*tokenizer, "--decode", stdin=ids).out, text)

    def test_a_terminal_is_no_picture(self):
        ours, theirs = pty.openpty()
        p = subprocess.run([harness.WEFT, "describe", "-"], stdin=theirs, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, env=self.env, timeout=harness.TIMEOUT_S)
        os.close(ours)
        os.close(theirs)
        self.assertEqual(p.returncode, 2)
        self.assertIn(b"pipe a file", p.stderr)


class Interrupt(harness.Case):
    def start(self, *args):
        # Without a buffer: communicate() would not see what readline() took too much of.
        return subprocess.Popen([harness.WEFT, *args], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env,
                                cwd=self.dir, bufsize=0)

    def finish(self, p):
        out, err = p.communicate(timeout=harness.TIMEOUT_S)
        self.assertEqual(p.returncode, 130, err)
        return out, err.decode()

    def test_while_a_text_is_made(self):
        p = self.start(*LONG)
        first = os.read(p.stdout.fileno(), 1)
        begin = time.monotonic()
        p.send_signal(signal.SIGINT)
        out, err = self.finish(p)
        # One step of the demo model; sanitizers and other work on the machine stretch it.
        self.assertLess(time.monotonic() - begin, 1 if not harness.SANITIZED else 30)
        self.assertEqual(err, "weft: interrupted\n")
        self.assertTrue((first + out).endswith(b"\n")) # what was said is a whole line

    def test_json_stays_whole_objects(self):
        p = self.start("describe", "--json", *[self.write("red.png", png(64, 64))] * 200)
        p.stdout.readline()
        p.send_signal(signal.SIGINT)
        out, _ = self.finish(p)
        errors = [json.loads(line)["error"] for line in out.decode().splitlines()]
        self.assertLess(len(errors), 199)
        # The last one may have been cut short; where the signal came between two, none was.
        self.assertTrue(all(e is None for e in errors[:-1]))
        self.assertIn(errors[-1:] and errors[-1] and errors[-1]["code"], ([], None, 130))

    def test_while_it_waits_for_input(self):
        for args in (("tokenize", "--tokenizer", harness.TINY), ("generate", "-p", "-"),
                     ("describe", "-"), ("preprocess", "-", "-o", self.path("o"))):
            p = self.start(*args)
            time.sleep(1.0 if not harness.SANITIZED else 5.0)
            p.send_signal(signal.SIGINT)
            p.wait(harness.TIMEOUT_S) # our end of its input is still open
            self.assertEqual(self.finish(p)[0], b"")
        self.assertEqual(os.listdir(self.dir), [])

    def test_the_rest_is_left(self):
        red = self.write("red.png", png(64, 64))
        p = self.start("describe", *[red] * 200)
        p.stdout.readline()
        p.send_signal(signal.SIGINT)
        out, _ = self.finish(p)
        self.assertLess(out.count(b"\n"), 199)

    def test_the_second_one_ends_it_at_once(self):
        p = self.start(*LONG)
        os.read(p.stdout.fileno(), 1)
        p.send_signal(signal.SIGINT)
        p.send_signal(signal.SIGINT)
        self.finish(p)

    def test_ignored_where_the_caller_ignores_it(self):
        p = subprocess.Popen([harness.WEFT, "tokenize", "--tokenizer", harness.TINY],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self.env,
                             preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        p.stdin.write(b"a\n")
        p.stdin.flush()
        select.select([p.stdout], [], [], harness.TIMEOUT_S)
        p.send_signal(signal.SIGINT)
        out, _ = p.communicate(b"a\n", timeout=harness.TIMEOUT_S)
        self.assertEqual((p.returncode, out.count(b"\n")), (0, 2))


if __name__ == "__main__":
    harness.main(needs_demo=True)
