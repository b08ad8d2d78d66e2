"""A SYN flood beside connections that mean it: what of these completes, and how late.

tools/traffic plays both sides on the other core. First without a flood; then with one that is larger than the
candidate can take, to see how many SYNs it takes a second; then with four fifths of that.
"""

import json
import statistics
from contextlib import ExitStack

from benchlab import machine
from benchlab.candidates import ports
from benchlab.candidates.base import CannotDo, dpdk_prefix
from netlab import LabError, run

LEGITIMATE = 10_000   # connections a second
_TOO_MANY = 5_000_000 # SYNs a second
SHARE = 0.8


def _generate(job, flood):
    """The generator's report for one flood."""
    program = job.options.build / "tools/traffic_generator/sluice-traffic"
    report = job.new_path("traffic.json")
    client, server = job.ends
    seconds = max(job.options.seconds, 1.0)
    with dpdk_prefix() as prefix:
        done = run([program, "connections", "--rate", LEGITIMATE, "--syn-flood", int(flood), "--duration", f"{seconds:g}s",
                    "--warm-up", "1s", "--limit", "0s", "--client", client, "--server", server, "--core",
                    machine.spare_cpu(job.options.cpu), "--file-prefix", prefix, "--json", report, "--quiet"],
                   check=False, timeout=60 + seconds, priority=ports.PRIORITY)
    if not report.exists():
        raise LabError(f"tools/traffic: {(done.stderr or done.stdout).strip()}")
    return json.loads(report.read_text()), seconds


def measure(candidate, job):
    """One sample: the unloaded and the loaded report in a few numbers. CannotDo when nothing of the flood passes."""
    def report(flood):
        with ExitStack() as stack:
            job.ends.clear()
            candidate.start(job, stack)
            return _generate(job, flood)
    calm, _ = report(0)
    full, seconds = report(_TOO_MANY)
    capacity = full["floods"]["syn_sent"] / seconds
    if not capacity:
        raise CannotDo("it takes no SYN of a flood")
    loaded, seconds = report(SHARE * capacity)
    return {"capacity": capacity, "flood": loaded["floods"]["syn_sent"] / seconds, "calm": _short(calm),
            "loaded": _short(loaded)}


def _short(report):
    connections, latency = report["connections"], report["latency_us"] or {"p50": 0, "p99": 0}
    begun = connections["completed"] + connections["failed"]
    return {"completed_percent": 100 * connections["completed"] / begun if begun else 0.0, "p50_us": latency["p50"],
            "p99_us": latency["p99"], "begun": begun, "wrong": report["wrong"]["total"]}


HEADS = ("CANDIDATE", "PORTS", "SYNS TAKEN, AT MOST", "FLOOD", "COMPLETED", "WITHOUT FLOOD", "P50", "P99", "WITHOUT FLOOD",
         "WRONG")


def cells(name, way, samples):
    """A row of the table, of medians, but for what arrived wrong: all of it."""
    def median(*path):
        values = []
        for sample in samples:
            for key in path:
                sample = sample[key]
            values.append(sample)
        return statistics.median(values)
    return [name, way, f"{median('capacity') / 1e3:.0f} k/s", f"{median('flood') / 1e3:.0f} k/s",
            f"{median('loaded', 'completed_percent'):.2f} %", f"{median('calm', 'completed_percent'):.2f} %",
            f"{median('loaded', 'p50_us') / 1e3:.2f} ms", f"{median('loaded', 'p99_us') / 1e3:.2f} ms",
            f"{median('calm', 'p99_us') / 1e3:.2f} ms",
            f"{sum(sample['loaded']['wrong'] for sample in samples)}"]
