"""A table full of established connections under floods: nobody established is lost, and who answers a SYN cookie completes."""

import itertools
import unittest

import tools_path  # noqa: F401
from appliance_case import audit
from netlab import Lab
from netlab.traffic import Traffic, memif_head

TABLE = 8192
HELD = 7300        # established, of 7,680 that the table admits: the rest is for newcomers
CONNECTIONS = 400  # a second
FLOOD = 1500     # a second: an unanswered flow lives for half a second, whatever else the machine does
RULES = """
timeouts:
  default: { tcp_closing: 1s }
rules:
  - { name: held, from: { zone: held_client }, to: { zone: held_server }, action: allow }
  - { name: open, from: { zone: client }, to: { zone: server }, action: allow }
"""
# Of classes that have not been answered, or are over.
NOT_ESTABLISHED = {"expired", "closing", "half_open", "unanswered"}
_SERIALS = itertools.count()


class FullTable(unittest.TestCase):
    """A lab for all; for each test an appliance with two wires, and a generator at each of them."""

    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab(sources=1))

    def traffic(self, socket, *arguments):
        return Traffic(self.lab.middle, self.lab.build, self.lab.folder, f"attack{next(_SERIALS)}", socket, *arguments,
                       "--limit", "0s", "--rest", "3s")

    def attack(self, cookies, *flood):
        """Established connections speak all the time, on a wire of their own; beside them, a second of the attack. The report of
        the honest connections, after what is the same for all attacks has been checked."""
        serial = next(_SERIALS)
        sockets = [self.lab.folder / f"{name}{serial}.memif" for name in ("open", "held")]
        sluice = self.lab.start_sluice(RULES, head=memif_head(sockets[0], f"{TABLE}, syn_cookies: {cookies}", held=sockets[1]))
        generators = []
        try:
            generators.append(self.traffic(sockets[1], "flows", "--protocol", "tcp", "--flows", HELD, "--rate", "3000",
                                           "--clients", "10.64.0.0/16", "--servers", "10.96.0.0/28", "--warm-up", "0s",
                                           "--duration", "9s"))
            generators[0].process.wait_until(
                lambda: sluice.status()["flows"]["per_state"].get("tcp_established") == HELD, 20.0, "established connections")
            generators.append(self.traffic(sockets[0], "connections", "--rate", CONNECTIONS, "--timeout", "300ms",
                                           "--retransmits", "20", "--servers", "10.32.0.0/32", "--server-ports", "80-80",
                                           "--warm-up", "300ms", "--duration", "2s", *flood))
            report = generators[1].report()
            self.status = sluice.status()
            self.under_pressure = self.status["flows"]["pressure_entered"]
            held = generators[0].report()
            self.assertEqual(sluice.status()["flows"]["per_state"]["tcp_established"], HELD)
        finally:
            audit(sluice)
        for generator in generators:
            self.assertEqual(generator.wait(), 0, generator.process.output())
        self.check_established(held)
        self.check_honest(report)
        return report

    def check_established(self, held):
        """Every one has passed packets, and none of those was lost."""
        self.assertEqual(held["flows"]["established"], HELD)
        self.assertGreater(held["packets"]["sent"], HELD)
        self.assertEqual((held["packets"]["lost"], held["wrong"]["total"]), (0, 0), held)
        ended = self.status["flows"]["ended"]
        evicted = {reason.removeprefix("evicted_") for reason in ended if reason.startswith("evicted_")}
        self.assertLessEqual(evicted, NOT_ESTABLISHED, ended)

    def check_honest(self, report):
        """All complete where they prove themselves; without that, who is half-open may lose his entry to the flood."""
        counts = report["connections"]
        self.assertGreater(counts["begun"], CONNECTIONS)
        if self.status["syn_cookies"]["sent"] > FLOOD:
            self.assertEqual((counts["completed"], counts["failed"], counts["not_over"]), (counts["begun"], 0, 0))
        self.assertGreaterEqual(counts["completed"], 0.5 * counts["begun"], counts)
        self.assertEqual(report["wrong"]["total"], 0, report["wrong"])
        self.assertGreater(self.under_pressure, 0)

    def test_syn_flood(self):
        for answered in ((), ("--flood-answered",)):
            with self.subTest(answered=bool(answered)):
                report = self.attack("auto", "--syn-flood", FLOOD, *answered)
                self.assertGreater(report["floods"]["syn_sent"], FLOOD)
                cookies = self.status["syn_cookies"]
                self.assertGreater(cookies["sent"], FLOOD)
                self.assertGreaterEqual(cookies["accepted"], report["connections"]["begun"] // 2)
                self.assertLess(report["floods"]["syn_passed"], report["floods"]["syn_sent"] // 4, "the server is spared")

    def test_syn_flood_without_cookies(self):
        report = self.attack("never", "--syn-flood", FLOOD)
        self.assertGreater(self.status["flows"]["ended"]["evicted_half_open"], FLOOD)
        self.assertEqual(self.status["syn_cookies"]["sent"], 0)
        self.assertGreater(report["floods"]["syn_passed"], FLOOD)

    def test_flood_of_one_packet_flows(self):
        report = self.attack("auto", "--random-flood", FLOOD)
        self.assertGreater(report["floods"]["random_passed"], FLOOD)
        self.assertGreater(self.status["flows"]["ended"]["evicted_unanswered"], FLOOD)


if __name__ == "__main__":
    unittest.main()
