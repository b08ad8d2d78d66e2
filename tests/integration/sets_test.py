"""Address sets change while traffic passes: at once, on established connections too, and nothing else is disturbed.

SLUICE_SETS_SECONDS=600 for the long run: 1,000 changes a second and a policy reload each second under load.
"""

import itertools
import os
import random
import statistics
import struct
import time
import unittest
from pathlib import Path

from appliance_case import FULL, ApplianceCase, audit
from netlab import Lab
from netlab.admin import Admin, AdminError
from netlab.servers import MEMCACHED_PORT
from netlab.traffic import Traffic, memif_head, program

BLOCK = """
address_sets:
  blocked: [192.0.2.1, spammers]
  spammers: [192.0.2.2]
services:
  memcached: { protocol: tcp, ports: [%d] }
rules:
  - { name: block, from: { zone: client, nets: [blocked] }, action: drop, track: %s }
  - { name: memcached, from: { zone: client }, to: { zone: server }, service: memcached, action: allow }
default: { action: drop }
"""
# Asks the server over one connection, again and again, and says when it was answered.
ASK = """
import socket, sys, time
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=30) as peer:
    while True:
        peer.sendall(b"version\\r\\n")
        if not peer.recv(100):
            break
        print("answer", time.monotonic(), flush=True)
        time.sleep(0.05)
"""


class Connections(ApplianceCase):
    """A TCP connection that is established, from an address that comes into a set of a drop rule."""

    def begin(self, track):
        lab, sluice = self.start(BLOCK % (MEMCACHED_PORT, track))
        lab.start_memcached()
        asker = lab.client.spawn("/usr/bin/python3", "-c", ASK, lab.server_address, MEMCACHED_PORT)
        self.addCleanup(asker.stop)
        self.wait_for_answers(asker)
        return lab, sluice, asker

    @staticmethod
    def answers(asker):
        return [float(line.split()[1]) for line in asker.output().splitlines() if line.startswith("answer")]

    def wait_for_answers(self, asker, timeout=30.0):
        before = len(self.answers(asker))
        asker.wait_until(lambda: len(self.answers(asker)) > before + 3, timeout, "answer")

    def assert_silent(self, asker, since):
        """Within a second no answer comes any more."""
        time.sleep(2.0)
        self.assertEqual([at for at in self.answers(asker) if at > since + 1.0], [])

    def test_an_address_that_comes_into_a_set_is_cut_off_until_it_leaves(self):
        lab, sluice, asker = self.begin("false")
        for name in ("blocked", "spammers"):  # the second is in the first
            said = sluice.sluicectl("set", "add", name, lab.client_address).stdout
            changed = time.monotonic()
            self.assertIn("1 added", said)
            self.assert_silent(asker, changed)
            self.assertGreater(sluice.rule("block")["packets"], 0)
            row = next(row for row in sluice.control("show", "sets") if row["name"] == name)
            self.assertEqual((row["added"], row["removed"]), (1, 0), "it differs from the file")
            sluice.sluicectl("set", "del", name, lab.client_address)
            self.wait_for_answers(asker)
        self.assertEqual(sluice.status()["policy"]["generation"], 1, "all that with one policy")
        self.assertIn("set 'blocked': 1 added, 0 removed", sluice.process.output())
        self.assertIn("uid 0", sluice.process.output())

    def test_a_tracked_rule_ends_the_flow(self):
        lab, sluice, asker = self.begin("true")
        sluice.sluicectl("set", "replace", "blocked", "198.51.100.1", f"{lab.client_address}/32")
        self.assert_silent(asker, time.monotonic())
        self.assertEqual(sluice.status()["flows"]["ended"].get("policy_changed"), 1)
        sluice.reload((BLOCK % (MEMCACHED_PORT, "true")) + "# the same rules\n")
        again = lab.client.spawn("/usr/bin/python3", "-c", ASK, lab.server_address, MEMCACHED_PORT)
        self.addCleanup(again.stop)
        self.wait_for_answers(again)

    def test_a_reload_goes_by_the_file(self):
        lab, sluice, asker = self.begin("false")
        sluice.sluicectl("set", "add", "blocked", lab.client_address)
        self.assert_silent(asker, time.monotonic())
        sluice.apply(BLOCK % (MEMCACHED_PORT, "false"))
        self.assertEqual(sluice.generation(), 2, "though the text is the same")
        self.wait_for_answers(asker)
        self.assertEqual([row["added"] for row in sluice.control("show", "sets")], [0, 0])

    def test_what_is_wrong_changes_nothing(self):
        _, sluice, asker = self.begin("false")
        for arguments, code, words in ((("add", "nosuch", "10.0.0.1"), 6, "no address set is named 'nosuch'"),
                                       (("del", "blocked", "192.0.2.2"), 6, "but in 'spammers', which is in it"),
                                       (("add", "blocked", "10.0.0.300"), 2, "'10.0.0.300' is not an IPv4"),
                                       (("add", "blocked", "10.0.0.1/8"), 2, "write '10.0.0.0/8'"),
                                       (("add", "blocked"), 2, "wants addresses or --from FILE")):
            done = sluice.sluicectl("set", *arguments, check=False)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(words, done.stderr)
        self.assertEqual([row["changed_at"] for row in sluice.control("show", "sets")], [None, None])
        self.wait_for_answers(asker)


SECONDS = int(os.environ.get("SLUICE_SETS_SECONDS", "600" if FULL else "10"))
CHANGES = 1000      # a second
AT_A_TIME = 4       # addresses in each
FLOWS = 2000
RATE = 20_000       # packets a second, beside the flood
FLOOD = 5000
# Neither set's changes ever change a verdict: what comes and goes lies inside what stays, for flows that pass and for a flood
# that does not. So every packet that is lost, and every one that passes, is a mistake of changing.
STRESS = """
address_sets:
  clients: [10.0.0.0/10]
  flooders: [198.18.0.0/15]
  elsewhere: [203.0.113.0/24, 203.0.112.0/24]
rules:
  - { name: flood, from: { zone: client, nets: [flooders] }, action: drop, track: false }
  - { name: elsewhere-%d, from: { zone: client, nets: [elsewhere] }, action: drop, track: false }
  - { name: pass, from: { zone: client, nets: [clients] }, to: { zone: server }, action: allow }
default: { action: drop }
"""
SPACES = {"clients": "10.%d.%d.%d", "flooders": "198.18.%d.%d", "elsewhere": "203.0.%d.%d"}
_SERIALS = itertools.count()


class Changes:
    """Adds and takes out, as many as are wanted a second; what it put in, it remembers."""

    def __init__(self, admin, spaces):
        self.admin = admin
        self.spaces = spaces
        self.random = random.Random(7)
        self.inside = {name: [] for name in spaces}
        self.done = 0
        self.seconds = 0.0
        self.latencies = []

    def __str__(self):
        latencies = sorted(self.latencies)
        return (f"{self.done} changes, {self.done / self.seconds:.0f} a second, median {1e6 * statistics.median(latencies):.0f} us, "
                f"99 % within {1e6 * latencies[len(latencies) * 99 // 100]:.0f} us, most {1e3 * latencies[-1]:.1f} ms")

    def forget(self):
        """A policy was applied: what came with changes is gone."""
        self.inside = {name: [] for name in self.spaces}

    def address(self, name):
        pattern = self.spaces[name]
        return pattern % tuple(self.random.randrange(64) for _ in range(pattern.count("%d")))

    def one(self):
        name = self.random.choice(list(self.spaces))
        inside = self.inside[name]
        began = time.monotonic()
        if len(inside) > 200 or (inside and self.random.random() < 0.5):
            leaving = [inside.pop(self.random.randrange(len(inside))) for _ in range(min(AT_A_TIME, len(inside)))]
            self.admin.ask("set.del", name=name, addresses=leaving)
        else:
            coming = sorted({self.address(name) for _ in range(AT_A_TIME)} - set(inside))
            inside += coming
            self.admin.ask("set.add", name=name, addresses=coming or inside[:1])
        self.latencies.append(time.monotonic() - began)
        self.done += 1


def resident_bytes(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Stress(unittest.TestCase):
    """Changes and reloads under load: no loss, right verdicts, memory flat."""

    def test_changes_and_reloads_under_load(self):
        lab = self.enterContext(Lab(sources=1))
        socket = lab.folder / "sets.memif"
        sluice = lab.start_sluice(STRESS % 0, head=memif_head(socket))
        try:
            traffic = Traffic(lab.middle, lab.build, lab.folder, f"sets{next(_SERIALS)}", socket, "flows", "--flows", FLOWS,
                              "--rate", RATE, "--clients", "10.0.0.0/16", "--servers", "10.96.0.0/28", "--warm-up", "1s",
                              "--duration", f"{SECONDS}s", "--random-flood", FLOOD, "--flood-sources", "198.18.0.0/15",
                              "--limit", "0s", "--rest", "3s")
            traffic.process.wait_until(lambda: sluice.flows_used() >= FLOWS, 30.0, "flows")
            reloads, samples, changes = change(self, sluice, STRESS, SPACES, traffic.finished)
            report = traffic.report()
        finally:
            audit(sluice)
        code = traffic.wait()
        report_and_check(self, changes, reloads, samples, f"{report['packets']}, flood {report['floods']}")
        self.assertEqual((code, report["wrong"]["total"], report["packets"]["lost"]), (0, 0, 0), report)
        self.assertGreater(report["floods"]["random_sent"], 0)
        self.assertEqual(report["floods"]["random_passed"], 0)


def change(case, sluice, policy, spaces, over=lambda: False):
    """A policy each second and CHANGES a second, until it is over: (reloads, (seconds, resident bytes) now and then, changes)"""
    began, reloads, samples = time.monotonic(), 0, []
    with Admin(sluice.socket) as admin:
        changes = Changes(admin, spaces)
        while not over() and time.monotonic() - began < SECONDS + 1:
            elapsed = time.monotonic() - began
            if elapsed >= reloads + 1:
                reloads += 1
                admin.ask("policy.apply", text=sluice.head + policy % (reloads % 2), name="stress.yaml")
                changes.forget()
                samples.append((elapsed, resident_bytes(sluice.process.pid)))
            if changes.done < elapsed * CHANGES:
                changes.one()
            else:
                time.sleep(0.0005)
        changes.seconds = time.monotonic() - began
        with case.assertRaises(AdminError):
            admin.ask("set.del", name="clients", addresses=["10.200.0.1"])
    return reloads, samples, changes


def report_and_check(case, changes, reloads, samples, seen):
    """Says what happened; as many reloads as were wanted, and memory that does not grow after a third of the time."""
    half = [size for at, size in samples if at >= SECONDS / 3] or [samples[-1][1]]
    print(f"\n    {changes}; {reloads} reloads; {seen}; resident {half[0] / 2**20:.1f} then {half[-1] / 2**20:.1f} MiB", flush=True)
    case.assertGreaterEqual(reloads, SECONDS // 2)
    case.assertLess(half[-1] / half[0] - 1, 0.02, samples)


# As STRESS, where each packet of a replayed trace is forwarded by its flow, or dropped by the flood's rule of its direction.
REPLAY_HEAD = """version: 1
system: {{ workers: {cpus}, buffers: 32768 }}
interfaces:
  client: {{ device: "net_pcap0,rx_pcap={folder}/clients.pcap,infinite_rx=1", peer: server }}
  server: {{ device: "net_pcap1,rx_pcap={folder}/servers.pcap,infinite_rx=1", peer: client }}
tables: {{ flows: {{ size: 64Ki }} }}
"""
REPLAY_STRESS = """
address_sets:
  clients: [10.0.0.0/10]
  flooders: [10.0.4.0/22]
  elsewhere: [203.0.113.0/24, 203.0.112.0/24]
rules:
  - { name: flood, from: { zone: client, nets: [flooders] }, action: drop, track: false }
  - { name: flood-back, from: { zone: server }, to: { nets: [flooders] }, action: drop, track: false }
  - { name: elsewhere-%d, from: { zone: client, nets: [elsewhere] }, action: drop, track: false }
  - { name: pass, from: { zone: client, nets: [clients] }, to: { zone: server }, action: allow }
default: { action: drop }
"""
REPLAYED = 4000  # frames of each side
REPLAYED_SPACES = {"clients": "10.%d.%d.%d", "flooders": "10.0.5.%d", "elsewhere": "203.0.113.%d"}


def in_upper_half(capture, prefix_length):
    """How many frames of a pcap file have an IPv4 source in the upper half of a prefix of this length."""
    data, at, found = Path(capture).read_bytes(), 24, 0
    while at < len(data):
        length, = struct.unpack_from("<I", data, at + 8)
        source, = struct.unpack_from(">I", data, at + 16 + 14 + 12)
        found += source >> (31 - prefix_length) & 1
        at += 16 + length
    return found


class FullRate(unittest.TestCase):
    """The worker never waits: what it receives is forwarded or dropped in the proportion of the trace, exactly."""

    def test_changes_and_reloads_at_full_rate(self):
        lab = self.enterContext(Lab(sources=1))
        folder = lab.folder / "replay"
        lab.middle.run(program(lab.build), "trace", "flows", "-n", REPLAYED, "--clients", "10.0.0.0/21", "-o", folder)
        flood = in_upper_half(folder / "clients.pcap", 21)
        self.assertTrue(REPLAYED / 4 < flood < REPLAYED * 3 / 4, flood)
        head = REPLAY_HEAD.format(cpus=max(os.sched_getaffinity(0)), folder=folder)
        sluice = lab.start_sluice(REPLAY_STRESS % 0, head=head)
        try:
            time.sleep(1)  # the first round: answers that come before their flow's first packet are dropped
            before = self.counts(sluice)
            reloads, samples, changes = change(self, sluice, REPLAY_STRESS, REPLAYED_SPACES)
            after = self.counts(sluice)
        finally:
            sluice.stop()
        grown = {name: after[name] - before[name] for name in after}
        report_and_check(self, changes, reloads, samples, f"{grown['received'] / changes.seconds / 1e6:.1f} Mpps, {grown}")
        self.assertEqual((grown["other_drops"], grown["flows"]), (0, 0), grown)
        # Counters are read one after the other while packets pass: that is the only slack there is.
        for name, share in (("dropped", flood / REPLAYED), ("forwarded", 1 - flood / REPLAYED)):
            self.assertAlmostEqual(grown[name] / grown["received"], share, delta=0.002, msg=name)

    @staticmethod
    def counts(sluice):
        status, drops = sluice.status(), sluice.drops()
        return {"received": status["packets"]["received"], "forwarded": status["packets"]["forwarded"],
                "flows": status["flows"]["created"], "dropped": drops.pop("rule_drop", 0), "other_drops": sum(drops.values())}


if __name__ == "__main__":
    unittest.main()
