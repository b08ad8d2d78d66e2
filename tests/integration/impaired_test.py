"""TCP over a bad line: 1 % of the packets are lost, 5 % out of order, 1 % come twice, in both directions.

Sluice must not make it worse. The measure is dpdk-testpmd on the same kind of ports, which moves frames and does not
look at them; the two take turns, over the same line. SLUICE_FULL=1 makes more and longer turns and prints a table.
"""

import statistics
import unittest
from collections import defaultdict
from dataclasses import dataclass, field

from appliance_case import FULL, audit
from netlab import Lab, tcp_counters
from netlab.servers import IPERF3_PORT, MEMCACHED_PORT

LINE = {"loss": 0.01, "delay": 0.002, "reorder": 0.05, "duplicate": 0.01}
ROUNDS = 5 if FULL else 2
SECONDS = 4 if FULL else 2
CONNECTIONS = 300
RULES = f"""
rules:
  - {{ name: tcp, from: {{ zone: client }}, to: {{ zone: server, ports: [{IPERF3_PORT}, {MEMCACHED_PORT}] }}, protocol: tcp,
      action: allow }}
default: {{ action: drop }}
"""


@dataclass
class Sums:
    """What one forwarder made of one kind of load, over all rounds."""

    counters: list = field(default_factory=list)
    megabytes: list = field(default_factory=list)

    def total(self):
        return sum(self.counters[1:], self.counters[0])

    def row(self):
        shares = [100 * one.share() for one in self.counters]
        return (f"{statistics.mean(shares):6.2f} {min(shares):6.2f} {max(shares):6.2f} "
                f"{self.total().timeouts / len(shares):9.1f} {statistics.mean(self.megabytes):8.1f}")


class Impaired(unittest.TestCase):
    def setUp(self):
        self.lab = self.enterContext(Lab(sources=4, impaired=True))
        self.sums = defaultdict(Sums)

    def test_retransmissions_are_those_of_plain_forwarding(self):
        for seed in range(ROUNDS):
            for name, turn in (("testpmd", self.plain), ("sluice", self.sluice)):
                turn(lambda forwarder=name, line=seed: self.loads(forwarder, 100 * line))
        if FULL:
            self.print_table()
        for load in ("upload", "download", "memcached"):
            with self.subTest(load=load):
                plain, sluice = (self.sums[name, load].total() for name in ("testpmd", "sluice"))
                # Rounds of one forwarder differ by a fifth; what a firewall that drops good packets does is a multiple.
                self.assertLess(sluice.share(), 1.5 * plain.share() + 0.005, (plain, sluice))
                self.assertLess(sluice.timeouts, 3 * plain.timeouts + 10 * ROUNDS, (plain, sluice))

    def plain(self, act):
        forwarder = self.lab.start_testpmd()
        act()
        forwarder.stop()

    def sluice(self, act):
        """The same through Sluice, which drops none of the packets that the line has left over."""
        sluice = self.lab.start_sluice(RULES)
        act()
        drops = sluice.drops()
        # What the ends say besides, multicast for example, is nobody's business here.
        drops.pop("no_rule", None)
        self.assertEqual(drops, {})
        audit(sluice)

    def loads(self, forwarder, seed):
        """Each load once, over a line of its own; a stalled transfer ends in an error of its program."""
        for number, (name, load) in enumerate((("upload", self.upload), ("download", self.download),
                                               ("memcached", self.memcached))):
            line = self.lab.start_impairment(seed=seed + 10 * number, **LINE)
            before = self.counted()
            megabytes = load()
            sums = self.sums[forwarder, name]
            sums.counters.append(self.counted() - before)
            sums.megabytes.append(megabytes)
            line.stop()

    def counted(self):
        return tcp_counters.read(self.lab.client) + tcp_counters.read(self.lab.server)

    def upload(self, **options):
        report = self.lab.iperf3(seconds=SECONDS, **options)
        received = report["end"]["sum_received"]["bytes"]
        self.assertGreater(received, 1_000_000)
        return received / 1e6

    def download(self):
        return self.upload(reverse=True)

    def memcached(self):
        """Short connections with a request each. A lost SYN costs a second, and may be lost again."""
        server = self.lab.start_memcached()
        report = self.lab.loadgen(rate=CONNECTIONS / SECONDS, seconds=SECONDS, timeout=20.0)
        server.stop()
        self.assertEqual(report["completed"], report["planned"], report["errors"])
        return 0.0

    def print_table(self):
        print(f"\n{'load':10} {'through':8} {'again %':>6} {'min':>6} {'max':>6} {'timeouts':>9} {'MB':>8}")
        for (forwarder, load), sums in sorted(self.sums.items(), key=lambda item: item[0][::-1]):
            print(f"{load:10} {forwarder:8} {sums.row()}")


if __name__ == "__main__":
    unittest.main()
