"""tools/experiment: its judgement on made-up results, and its short forms for real."""

import json
import os
import subprocess
import tempfile
import types
import unittest
from pathlib import Path

import tools_path
from founding import full_report, full_rows, plot, report, rows
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
        early = made_up([1000], table_ended={"evicted_half_open": 1, "expired_early": 4, "expired": 9})
        self.assertIn("; 5 finished or lesser flows made room", self.judge("c", early)[1])

    def test_the_kernel_is_described_not_judged(self):
        stopped = made_up([100, 100, 100, 100, 100, 0, 0, 0, 0, 0])
        self.assertEqual(self.judge("a", stopped)[0], True)
        self.assertIn("as expected: 500 connections in 5.0 s", self.judge("a", stopped)[1])
        self.assertIn("then none (7 packets", self.judge("a", stopped)[1])
        # Garbage collection gives entries to some, but not to many.
        freed = made_up([100, 100, 100, 100, 100, 0, 25, 0, 0, 0])
        self.assertIn("then 25, 5 a second", self.judge("a", freed)[1])
        for other in (made_up([100] * 10), made_up([0] * 10), made_up([50] * 10), made_up([499]), made_up([526])):
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


def made_up_full(completed_by_second, begun=1000, **more):
    return made_up(completed_by_second, begun, begun=begun, table_peak=480, table_bytes=1 << 20, **more)


class FullForm(unittest.TestCase):
    def test_the_rate_is_the_first_that_the_machine_can_do(self):
        asked = []

        def probe(rate):
            asked.append(rate)
            return rate <= 6_500
        self.assertEqual(full_rows.choose_rate(probe), 6_500)
        self.assertEqual(asked, [10_000, 8_000, 6_500])
        self.assertEqual(full_rows.choose_rate(lambda _: False), 4_800)

    def test_every_rate_fills_the_table_before_the_first_entries_go(self):
        for rate in full_rows.RATES:
            seconds = full_rows.seconds_for(full_rows.TABLE, rate)
            self.assertGreater(rate * (seconds - 5), full_rows.TABLE)
            self.assertLess(seconds, full_rows.TIME_WAIT)

    def test_arithmetic(self):
        settings = types.SimpleNamespace(rate=10_000, seconds=90, table=524_288)
        text = full_report.arithmetic(list(full_rows.ROWS.values()), settings)
        self.assertIn("(a), (c) keep an entry 120 s after its connection: 524,288 / 120 s = 4,369 new connections a second", text)
        self.assertIn("full after 52.4 s", text)
        self.assertIn("(b), (e) keep none", text)

    def test_seconds_come_from_progress_lines(self):
        lines = "".join(f"measuring: 1 sent/s, 2 received/s, {count} completed (9/s), 0 failed, 0 wrong\n"
                        for count in (100, 250, 250))
        self.assertEqual(full_rows.by_second("EAL: completed\n" + lines, 260), [100, 150, 0, 10])

    def test_the_rate_of_a_full_table(self):
        counts = made_up_full([100] * 5 + [3] * 5)
        self.assertEqual((report.full_at(counts, SETTINGS), report.rate_when_full(counts, SETTINGS)), (5.0, 3.0))
        self.assertIsNone(report.full_at(made_up_full([49] * 10), SETTINGS))
        self.assertIsNone(report.rate_when_full(made_up_full([50] * 10), SETTINGS), "no time is left then")

    def test_judgement(self):
        def judge(key, counts):
            return full_report.judge(full_rows.ROWS[key], counts, SETTINGS)
        self.assertIn("as expected: 500 connections in 5.0 s", judge("a", made_up_full([100] * 5 + [0] * 5))[1])
        self.assertIn("then 20, 4 a second", judge("a", made_up_full([100] * 5 + [0, 20, 0, 0, 0]))[1])
        for other in ([100] * 10, [90] * 5 + [0] * 5):
            self.assertIn("UNEXPECTED", judge("a", made_up_full(other))[1])
        for key in "cde":
            self.assertTrue(judge(key, made_up_full([999]))[0])
            self.assertFalse(judge(key, made_up_full([998]))[0])
            self.assertFalse(judge(key, made_up_full([1000], table_capacity=1024))[0], "a larger table is no proof")

    def test_plot_shows_rates(self):
        text = plot.rates_script([(full_rows.ROWS["c"], made_up_full([3, 0, 4]))], SETTINGS)
        data = text.split("$row_c << END\n")[1].split("\nEND")[0].splitlines()
        self.assertEqual(data, ["1 3", "2 0", "3 4"])

    def test_short(self):
        before = [path.read_text() for path in (rows.CONNTRACK_MAX, full_rows.BUCKETS)]
        with tempfile.TemporaryDirectory() as folder:
            files = {name: Path(folder) / name for name in ("results.json", "plot.svg")}
            done = run_experiment("--full", "--short", "--json", files["results.json"], "--plot", files["plot.svg"], "--build",
                                  os.environ.get("SLUICE_BUILD", BUILD))
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            results = {row["row"]: row for row in json.loads(files["results.json"].read_text())["rows"]}
            self.assertIn("</svg>", files["plot.svg"].read_text())
        self.assertEqual(sorted(results), list("abcde"))
        self.assertIn("8,192 / 120 s = 68 new connections a second", done.stdout)
        self.assertEqual(results["a"]["table_peak"], 8192)
        self.assertGreater(results["a"]["table_full_drops"], 0)
        self.assertGreater(results["a"]["table_bytes"], 8192 * 200)
        for key in "cde":
            self.assertGreaterEqual(results[key]["completed_percent"], report.REQUIRED_PERCENT)
            self.assertGreater(results[key]["completed"], 8192)
        self.assertGreater(report.made_room(results["c"]), 0)
        self.assertEqual(report.made_room(results["d"]), 0)
        self.assertLess(results["d"]["table_peak"], 8192)
        self.assertEqual(results["e"]["table_peak"], 0)
        self.assertEqual([path.read_text() for path in (rows.CONNTRACK_MAX, full_rows.BUCKETS)], before, "put back")


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
        self.assertIn("1 to 118", self.refuse("--full", "--seconds", "119"))
        self.assertIn("do not fill a table", self.refuse("--full", "--rate", "10000", "--seconds", "20"))


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
