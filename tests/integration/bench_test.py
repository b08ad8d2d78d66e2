"""tools/bench: its tables on made-up results, its access lists, and one short round for real."""

import json
import subprocess
import tempfile
import types
import unittest
from pathlib import Path

import tools_path
from benchlab import parts, plots, report, rules, workloads
from netlab.lab import BUILD

HUGEPAGES = Path("/proc/sys/vm/nr_hugepages")
OPTIONS = types.SimpleNamespace(rounds=3, seconds=1.0)
MACHINE = {"cpu": "CPU", "family": "1", "model": "2", "vector": ["avx2"], "virtual": False, "cpus": 2, "memory_bytes": 1 << 34,
           "tsc_mhz": "2445.4", "system": "Debian", "kernel": "6", "worker_cpu": 1}


def sample(rate, **facts):
    return {"rate": rate, "seconds": 1.0, "without_cpu": 0.0, "facts": facts, "course": [(0.0, 0), (1.0, rate)]}


def workload(key):
    return next(each for each in workloads.ALL if each.key == key)


def made_up():
    return report.Run(MACHINE, OPTIONS, [
        (workload("flows-1k"), {"testpmd io": [sample(30e6), sample(40e6), sample(20e6)],
                                "sluice tracked": [sample(12e6)],
                                "ovs conntrack": "its ports do not hold the trace"}),
        (workload("connections"), {"testpmd io": [sample(16e6)],
                                   "sluice tracked tcp": [sample(8e6, **{"+received": 100, "+dropped": 3})],
                                   "ovs conntrack tcp": "FAILED: it does not start"})], 60.0)


class Reports(unittest.TestCase):
    def test_median_spread_and_ratios(self):
        flows = {row.candidate: row for row in report.rows(*made_up().blocks[0])}
        self.assertEqual((flows["testpmd io"].median, flows["testpmd io"].low, flows["testpmd io"].high), (30e6, 20e6, 40e6))
        self.assertAlmostEqual(flows["sluice tracked"].of_limit, 0.4)
        self.assertAlmostEqual(flows["testpmd io"].ratio, 0.4)

    def test_connections_are_packets_by_eight(self):
        rates = {row.candidate: row for row in report.rows(*made_up().blocks[1])}
        self.assertEqual(rates["sluice tracked tcp"].median, 1e6)
        self.assertIn("3.0 % dropped", rates["sluice tracked tcp"].remark)

    def test_who_could_not_says_why_everywhere(self):
        run = made_up()
        for said in (report.text(run), report.markdown(run), json.dumps(report.to_json(run))):
            self.assertIn("its ports do not hold the trace", said)
        self.assertEqual(report.failures(run), ["connections: ovs conntrack tcp: FAILED: it does not start"])

    def test_cycles_by_stage_are_sums_over_rounds(self):
        run = made_up()
        run.blocks[0][1]["sluice tracked"] = [
            sample(1e6, **{"+timed_packets": 10, "+cycles.parse": 200, "+cycles.tracked": 1000}),
            sample(1e6, **{"+timed_packets": 30, "+cycles.parse": 200, "+cycles.tracked": 200})]
        self.assertEqual([found[1:] for found in report.stages(run)], [("sluice tracked", {"parse": 10.0, "tracked": 30.0})])
        self.assertIn("| flows-1k | sluice tracked | 10 | 30 | 40 |", report.markdown(run))

    def test_an_attack_has_a_table_of_its_own(self):
        half = {"completed_percent": 99.95, "p50_us": 400.0, "p99_us": 1500.0, "begun": 10_000, "wrong": 0}
        samples = [{"capacity": 2e6, "flood": 1.6e6, "calm": half, "loaded": {**half, "completed_percent": 98.5}}]
        run = report.Run(MACHINE, OPTIONS, [(workload("syn-flood"), {"sluice tracked": samples, "ovs conntrack": "no"})], 1.0)
        self.assertIn("| sluice tracked | memif, generator | 2000 k/s | 1600 k/s | 98.50 % | 99.95 % | 0.40 ms | 1.50 ms |", report.markdown(run))
        self.assertEqual(report.to_json(run)["workloads"][0]["candidates"][1], {"candidate": "ovs conntrack", "cannot": "no"})

    def test_plots(self):
        with tempfile.TemporaryDirectory() as folder:
            written = plots.draw(made_up(), folder)
            self.assertEqual([path.name for path in written], ["bench-flows.svg", "bench-rates.svg", "bench-connections.svg"])
            for path in written:
                self.assertIn("</svg>", path.read_text())

    def test_parts_stand_beside_their_peers(self):
        samples = {"table/hit/ipv4/1000": [30.0, 20.0, 40.0], "rte_hash/hit/ipv4/1000": [60.0], "memory/two_lines/1000": [10.0]}
        name, median, low, high, peer, memory = next(parts.rows(samples))
        self.assertEqual((name, median, low, high, peer, memory), ("table/hit/ipv4/1000", 30.0, 20.0, 40.0, 0.5, 3.0))


class AccessLists(unittest.TestCase):
    def test_as_many_rules_as_asked_for_and_the_last_takes_the_rest(self):
        for count in (1, 2, 100, 1_000, 10_000):
            rows = rules.access_list(count)
            self.assertEqual(len(rows), count)
            self.assertEqual(rows[-1], rules.Rule(rules.servers_for(count), rules.SERVER_PORTS))
            self.assertTrue(all(rule.net.subnet_of(rules.servers_for(count)) for rule in rows))

    def test_every_firewall_gets_every_rule(self):
        rows = rules.access_list(8)
        self.assertEqual(rules.as_policy(rows, "udp", True).count("name: r"), 8)
        self.assertEqual(rules.as_nftables(rows, "udp", True).count("ct state new"), 8)
        self.assertEqual(rules.as_openflow(rows, "udp", True, 1, 2).count("+trk+new"), 8)
        self.assertEqual(rules.as_openflow(rows, "udp", False, 1, 2).count("in_port=2"), 8)
        self.assertIn("tp_dst=0x50/0xfff0", rules.as_openflow(rows, "udp", True, 1, 2), "80-95 is one value and mask")


class ForReal(unittest.TestCase):
    def test_one_short_round(self):
        pages = HUGEPAGES.read_text()
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder)
            command = [tools_path.TOOLS / "bench", "--build", BUILD, "--only", "flows-1", "--candidates", "sluice", "ovs",
                       "--rounds", "1", "--seconds", "0.5", "--json", out / "bench.json", "--markdown", out / "bench.md",
                       "--plots", out]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            document = json.loads((out / "bench.json").read_text())
            self.assertIn("| testpmd io | replay |", (out / "bench.md").read_text())
            self.assertIn("</svg>", (out / "bench-flows.svg").read_text())
        self.assertEqual(HUGEPAGES.read_text(), pages, "hugepages are put back")
        self.assertEqual(document["schema"], "sluice.bench/1")
        [block] = document["workloads"]
        rows = {row["candidate"]: row for row in block["candidates"]}
        for name in ("testpmd io", "sluice untracked", "sluice tracked", "sluice tracked tcp"):
            self.assertGreater(rows[name]["median"], 1e5, name)
            self.assertLess(rows[name]["samples"][0]["facts"].get("+dropped", 0), 1000, name)
        self.assertEqual(rows["sluice tracked"]["samples"][0]["facts"]["flows"], 1)
        self.assertGreater(rows["sluice tracked"]["samples"][0]["facts"]["+cycles.tracked"], 0)
        self.assertEqual(rows["sluice untracked"]["samples"][0]["facts"]["flows"], 0)
        for name in ("ovs stateless", "ovs conntrack"):
            if "cannot" in rows[name]:
                self.assertIn("not installed", rows[name]["cannot"])
                print(f"(no Open vSwitch beside it: {rows[name]['cannot']})")
            else:
                self.assertGreater(rows[name]["median"], 1e5, name)


if __name__ == "__main__":
    unittest.main()
