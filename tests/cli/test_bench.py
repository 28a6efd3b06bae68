# SPDX-License-Identifier: Apache-2.0
"""weft bench: rows, limits, what is refused, and what an interrupt leaves. No figure is held against a time."""
import json
import os
import signal
import subprocess
import time
import unittest

import harness

TEXT_ROWS = ["generation.bf16", "prefill512.bf16", "batch8.bf16", "load"]
KEYS = {"name", "value", "unit", "limit", "share", "limit_now", "share_now", "threads", "isa", "min", "max", "runs",
        "shape"}


class Bench(harness.Case):
    def setUp(self):
        super().setUp()
        self.env["WEFT_DEVICE"] = "cpu"  # tests/cuda has the form of the rows on a GPU

    def rows(self, *args):
        r = self.ok("bench", "--json", *args)
        rows = r.json_lines()
        for row in rows:
            self.assertTrue(KEYS <= set(row), row)
            self.assertGreater(row["value"], 0, row)
            self.assertLessEqual(row["min"], row["value"] * 1.0001, row)
            self.assertGreaterEqual(row["max"], row["value"] * 0.9999, row)
            self.assertEqual(row["limit"] is None, row["share"] is None, row)
            self.assertEqual(row["limit_now"] is None, row["share_now"] is None, row)
            self.assertEqual(row["limit_now"] is None, row["limit"] is None or row["name"].startswith("limit."), row)
            if row["limit"] is not None:
                self.assertGreater(row["limit"], 0, row)
                self.assertGreater(row["share"], 0, row)
        return {row["name"]: row for row in rows}

    def test_limits(self):
        rows = self.rows("--limits", "--threads", "1")
        self.assertTrue(all(name.startswith("limit.") for name in rows), rows)
        self.assertTrue({"limit.read.plain", "limit.read.prefetch", "limit.read.file"} <= set(rows))
        self.assertEqual({row["threads"] for row in rows.values()}, {1})
        if "limit.fp32.avx512" in rows:
            self.assertIn("limit.fp32.avx2", rows)

    def test_every_level_with_vectors_has_limits(self):
        rows = self.rows("--shape", "demo", "--repeat", "1", "-t", "1", "--rows", "prefill512.*")
        for row in rows.values():
            self.assertEqual(row["limit"] is None, row["isa"] == "none", row)

    def test_rows_of_the_text_core(self):
        rows = self.rows("--shape", "demo", "--repeat", "1", "--rows", ",".join(TEXT_ROWS))
        self.assertEqual(list(rows), TEXT_ROWS)
        for row in rows.values():
            self.assertEqual((row["shape"], row["runs"], row["layers"]), ("demo", 1, 6))
            # the same time, held against the best and against what there was meanwhile
            self.assertAlmostEqual(row["limit"] * row["share"], row["limit_now"] * row["share_now"], delta=row["value"] / 100)
        self.assertEqual(rows["load"]["unit"], "GB/s")
        self.assertEqual(rows["generation.bf16"]["unit"], "tokens/s")

    def test_a_table(self):
        lines = self.ok("bench", "--shape", "demo", "--repeat", "1", "--rows", "generation.bf16",
                        "--limits").out.decode().splitlines()
        self.assertTrue(lines[0].startswith("limit.read.plain "), lines)
        self.assertRegex(lines[-1], r"^generation\.bf16 +[0-9.e+]+ tokens/s .* demo$")

    def test_encoders_run_through_their_plugins(self):
        rows = self.rows("--quick", "--repeat", "1", "--rows", "vit.tile,conformer.10s,log_mel")
        self.assertEqual(list(rows), ["vit.tile", "conformer.10s", "log_mel"])
        self.assertEqual(list(self.rows("--repeat", "1", "--rows", "resampler")), ["resampler"])
        self.assertEqual((rows["vit.tile"]["shape"], rows["vit.tile"]["unit"]), ("vit-h", "s"))
        self.assertLess(rows["vit.tile"]["layers"], 32)
        self.assertEqual(rows["log_mel"]["threads"], 1)

    def test_one_op(self):
        rows = self.rows("--op", "norm", "--repeat", "2")
        self.assertEqual(list(rows), ["norm 1x2048 rms", "norm 512x2048 rms", "norm 1601x1280 layer"])
        self.assertEqual({row["unit"] for row in rows.values()}, {"us"})

    def test_some_shapes_of_an_op(self):
        def names(op, chosen):
            return list(self.rows("--op", op, "--repeat", "1", "-t", "1", "--rows", chosen))
        self.assertEqual(names("norm", "1,*layer"), ["norm 1x2048 rms", "norm 1601x1280 layer"])
        self.assertEqual(names("attention_pages", "1* f32"), ["attention_pages 1 row over 8192 keys f32"])
        self.assertIn("leaves no shape of --op norm", self.fails(2, "bench", "--op", "norm", "--rows", "7,x"))

    def test_a_format_that_is_not_there_is_left_out(self):
        r = self.ok("bench", "--shape", "demo", "--repeat", "1", "--rows", "generation.*", "--json")
        names = {row["name"] for row in r.json_lines()}
        self.assertIn("generation.bf16", names)
        for name in ("generation.q8", "generation.q4"):
            self.assertEqual(name in names, name + " is left out" not in r.err, r.err)

    def test_a_context_that_is_too_short_leaves_a_row_out(self):
        r = self.ok("bench", "--shape", "demo", "--repeat", "1", "-c", "1024", "--rows", "decode8192.bf16")
        self.assertEqual(r.out, b"")
        self.assertIn("decode8192.bf16 is left out: ", r.err)

    def test_what_is_wrong(self):
        for args, said in ((("--op", "none"), "linear, attention"), (("--shape", "7b"), "1b, 3b, 8b"),
                           (("--rows", "nothing"), "leave no row"), (("--repeat", "0"), "--repeat"),
                           (("--repeat", "1001"), "1000"), (("--op", "norm", "--limits"), "one of them"),
                           (("--shape", "demo", "--rows", "vit.tile"), "leave no row"),
                           (("DIR",), "operand")):
            self.assertIn(said, self.fails(2, "bench", *args))

    def test_an_interrupt_leaves_nothing(self):
        self.env["TMPDIR"] = self.dir
        process = subprocess.Popen([harness.WEFT, "bench", "--shape", "demo", "--repeat", "1000", "--rows",
                                    "generation.bf16", "--limits"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=self.env, cwd=self.dir)
        process.stdout.readline()  # it has begun
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=harness.TIMEOUT_S)
        self.assertEqual(process.returncode, 130)
        self.assertEqual(os.listdir(self.dir), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
