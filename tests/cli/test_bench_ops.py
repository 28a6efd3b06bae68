# SPDX-License-Identifier: Apache-2.0
"""weft bench --op: every op that it names runs, each of its shapes once. No figure is held against a time.

One thread: two wait for each other at every call, for minutes where other work has the cores."""
import re
import unittest

import harness

harness.TIMEOUT_S = 900  # of a command: weights of gigabytes are packed, in every format


class BenchOps(harness.Case):
    def test_every_op(self):
        usage = self.fails(2, "bench", "--op", "none")
        names = re.search(r"that can be timed are ([a-z_, ]*[a-z])", usage)[1].split(", ")
        self.assertGreater(len(names), 5, usage)
        for name in names:
            rows = {row["name"]: row for row in self.ok("bench", "--json", "--op", name, "-t", "1", "--repeat", "1").json_lines()}
            self.assertTrue(rows, name)
            for shape, row in rows.items():
                self.assertGreater(row["value"], 0, row)
                if shape.startswith("linear 512x") and shape.endswith(" fp8"):  # which bf16's arithmetic bounds
                    self.assertEqual(row["limit"] is None, rows[shape[:-3] + "bf16"]["limit"] is None, row)
                    if row["limit"] is not None:
                        self.assertAlmostEqual(row["limit"] / rows[shape[:-3] + "bf16"]["limit"], 1, 2, row)


if __name__ == "__main__":
    unittest.main(verbosity=2)
