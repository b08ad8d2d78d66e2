"""The recorded verdicts through a running sluiced, frame by frame, between two ends that have no IP stack.

tests/golden/README.md says what is recorded and what counts. golden_judge judges, by what the test in one process
judges by.
"""

import os
import re
import unittest

from appliance_case import ApplianceCase
from golden_player import GOLDEN, End, Player, read_scenarios
from netlab import Lab, run


def live_sections():
    """Of the policy that was enforced when the verdicts were recorded; the interfaces are the lab's."""
    return re.split(r"^(?=services:)", (GOLDEN / "policy.yaml").read_text(encoding="utf-8"), flags=re.MULTILINE)[1]


def silence(lab):
    """Takes away what the ends would say by themselves."""
    for namespace, interface in ((lab.client, "c0"), (lab.server, "s0")):
        namespace.sysctl(net__ipv6__conf__all__disable_ipv6=1)
        namespace.ip(f"addr flush dev {interface}", f"link set {interface} arp off")


class RecordedVerdicts(ApplianceCase):
    """Over AF_XDP alone: DPDK's AF_PACKET driver has the kernel reassemble IPv4 fragments before it takes them."""

    def play(self, settle_seconds=0.0, **options):
        lab = self.enterContext(Lab())
        silence(lab)
        self.start(live_sections(), lab=lab, idle="sleep", **options)
        ends = [End(lab.client, "c0"), End(lab.server, "s0")]
        for end in ends:
            self.addCleanup(end.close)
        # A veth keeps the order of what one CPU sends.
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, lab.traffic_cpus[:1] if lab.traffic_cpus else [min(before)])
        self.addCleanup(os.sched_setaffinity, 0, before)
        scenarios = read_scenarios()
        player = Player(*ends, settle_seconds)
        player.play(scenarios)
        self.assertEqual(list(player.strange), [], "nothing comes out that was not sent")
        observed = lab.folder / "observed.txt"
        player.write(scenarios, observed)
        judged = run([lab.build / "tests/golden/golden_judge", observed], check=False)
        self.assertEqual(judged.returncode, 0, judged.stdout + judged.stderr)

    def test_with_one_worker(self):
        self.play()

    @unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "two workers want two CPUs")
    def test_with_two_workers(self):
        self.play(settle_seconds=0.02, workers=2)


if __name__ == "__main__":
    unittest.main()
