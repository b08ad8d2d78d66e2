"""tools/experiment: its judgement on made-up results, and its short form for real."""

import json
import os
import subprocess
import tempfile
import types
import unittest
from pathlib import Path

import tools_path
from founding import plot, report, rows
from netlab.lab import BUILD


SETTINGS = types.SimpleNamespace(rate=100, seconds=10, table=500, timeout=3.0, driver="af_xdp", build=None)


def made_up(completed_by_interval, planned=1000, **more):
    completed = sum(completed_by_interval)
    return {"planned": planned, "completed": completed, "failed": 0, "timed_out": planned - completed, "not_started": 0,
            "completed_percent": 100 * completed / planned, "latency_us": {"p50": 100.0, "p99": 200.0},
            "interval_ms": 1000.0, "intervals": {"completed": completed_by_interval}, "table_entries": 500,
            "table_full_drops": 7, "table_capacity": 500, "table_ended": {"evicted_closing": 3, "closed": 1}, **more}


def run_experiment(*arguments):
    command = [tools_path.TOOLS / "experiment", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)


class Judgement(unittest.TestCase):
    def judge(self, key, counts):
        return report.judge(rows.ROWS[key], counts, SETTINGS)

    def test_sluice_must_complete_999_of_1000(self):
        for key in "cd":
            self.assertTrue(self.judge(key, made_up([999]))[0])
            good, text = self.judge(key, made_up([998]))
            self.assertFalse(good)
            self.assertIn("NOT ENOUGH", text)
            self.assertFalse(self.judge(key, made_up([1000], table_capacity=1024))[0], "a larger table is no proof")
        self.assertIn("; 3 finished or lesser flows made room", self.judge("c", made_up([1000]))[1])

    def test_the_kernel_is_described_not_judged(self):
        stopped = made_up([100, 100, 100, 100, 100, 0, 0, 0, 0, 0])
        self.assertEqual(self.judge("a", stopped)[0], True)
        self.assertIn("as expected: exactly 500", self.judge("a", stopped)[1])
        for other in (made_up([100] * 10), made_up([0] * 10), made_up([50] * 10), made_up([499])):
            good, text = self.judge("a", other)
            self.assertTrue(good)
            self.assertIn("UNEXPECTED", text)
        self.assertIn("as expected", self.judge("b", made_up([100] * 10))[1])
        self.assertIn("UNEXPECTED", self.judge("b", stopped)[1])


class Reports(unittest.TestCase):
    def test_last_completion(self):
        self.assertEqual(report.last_completion(made_up([5, 5, 0, 1, 0])), 4.0)
        self.assertIsNone(report.last_completion(made_up([0, 0])))

    def test_table_and_json_hold_every_row(self):
        results = [(rows.ROWS[key], made_up([100] * 10)) for key in "abcd"]
        lines = report.table(results, SETTINGS).splitlines()
        self.assertEqual([line[0] for line in lines[-4:]], list("abcd"))
        document = json.loads(json.dumps(report.to_json(results, SETTINGS)))
        self.assertEqual([row["row"] for row in document["rows"]], list("abcd"))
        self.assertTrue(all(row["good"] for row in document["rows"]))

    def test_plot_sums_up_the_intervals(self):
        text = plot.script([(rows.ROWS["c"], made_up([3, 0, 4]))], SETTINGS)
        data = text.split("$row_c << END\n")[1].split("\nEND")[0].splitlines()
        self.assertEqual(data, ["0.000 0", "1.000 3", "2.000 3", "3.000 7"])

    def test_plot_is_drawn(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "plot.svg"
            plot.draw([(rows.ROWS[key], made_up([100] * 10)) for key in "abcd"], SETTINGS, path)
            text = path.read_text()
        self.assertIn("</svg>", text)
        self.assertIn("(d) Sluice, untracked", text)


class Arguments(unittest.TestCase):
    def refuse(self, *arguments):
        done = run_experiment(*arguments)
        self.assertEqual(done.returncode, 2, done.stderr)
        return done.stderr

    def test_mistakes_are_usage_errors(self):
        self.assertIn("there is no row 'x'", self.refuse("--rows", "a,x"))
        self.assertIn("do not fill a table", self.refuse("--seconds", "2"))
        self.assertIn("multiple of 1024", self.refuse("--table", "1000"))
        self.assertIn("1 to 110", self.refuse("--seconds", "200"))


class ShortForm(unittest.TestCase):
    def test_four_rows(self):
        limit = rows.CONNTRACK_MAX.read_text()
        with tempfile.TemporaryDirectory() as folder:
            files = {name: Path(folder) / name for name in ("results.json", "plot.svg")}
            done = run_experiment("--short", "--json", files["results.json"], "--plot", files["plot.svg"], "--build",
                                  os.environ.get("SLUICE_BUILD", BUILD))
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            results = {row["row"]: row for row in json.loads(files["results.json"].read_text())["rows"]}
            self.assertIn("</svg>", files["plot.svg"].read_text())
        self.assertEqual(sorted(results), list("abcd"))
        for key in "cd":
            self.assertGreaterEqual(results[key]["completed_percent"], report.REQUIRED_PERCENT)
        self.assertEqual(rows.CONNTRACK_MAX.read_text(), limit, "the host's limit is put back")


if __name__ == "__main__":
    unittest.main()
