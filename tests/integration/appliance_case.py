"""Test cases with a running sluiced between two namespaces. Every one ends with its accounts in order."""

import os
import re
import signal
import unittest

import tools_path  # noqa: F401
from netlab import Lab, leftovers

# The long forms: as much as the project promises, rather than as much as every run of the tests can afford.
FULL = os.environ.get("SLUICE_FULL") == "1"


def audit(sluice):
    """Accounts at rest, a clean stop, the account that sluiced gives of itself at the end, nothing left behind."""
    if not sluice.process.running():
        raise AssertionError(f"sluiced has ended by itself:\n{sluice.process.output()}")
    at_rest = sluice.check_accounts()
    code, _ = sluice.process.stop()
    check_stopped(sluice, code)
    final = sluice.final_account()
    if final["received"] < at_rest["received"]:
        raise AssertionError(f"at rest {at_rest}, at the end {final}")


def check_stopped(sluice, code):
    """Exit code 0, every packet and every packet buffer accounted for, no file left."""
    if code != 0:
        raise AssertionError(f"sluiced ended with {code}:\n{sluice.process.output()}")
    final = sluice.final_account()
    outcome = final["forwarded"] + final["dropped"] + final["answered"]
    if final["held"] or final["missing"] or final["received"] + final["made"] != outcome:
        raise AssertionError(f"unaccounted for at the end: {final}")
    check_nothing_left(sluice.namespace, sluice.prefix, sluice.socket)


def check_nothing_left(namespace, prefix, socket):
    """No socket, runtime folder, lock or hugepage file; interfaces as they were before."""
    left = [str(path) for path in leftovers.appliance_files(namespace.name, prefix, socket)]
    for line in namespace.run("ip", "-d", "link", "show").stdout.splitlines():
        if "xdp" in line or re.search(r"promiscuity [1-9]", line):
            left.append(line.strip())
    if left:
        raise AssertionError(f"sluiced left behind {left}")


class ApplianceCase(unittest.TestCase):
    """A lab and an appliance for each test, made by start()."""

    def start(self, rules, *, lab=None, **options):
        """A lab, or the one given, with sluiced in its middle; (lab, sluice). Audited when the test is over."""
        lab = lab or self.enterContext(Lab(sources=4))
        sluice = lab.start_sluice(rules, **options)
        self.addCleanup(lambda: self.stopped(sluice) or audit(sluice))
        return lab, sluice

    def stopped(self, sluice):
        """Whether the test has stopped the appliance itself, in order."""
        return sluice in getattr(self, "_stopped", ())

    def stop(self, sluice, number=signal.SIGTERM):
        """Stops the appliance, wants that clean, and returns the seconds that it took."""
        self._stopped = [*getattr(self, "_stopped", ()), sluice]
        code, seconds = sluice.process.stop(number=number)
        check_stopped(sluice, code)
        return seconds


class SharedApplianceCase(unittest.TestCase):
    """One lab and one appliance for all tests of a class; accounts are checked after each."""

    RULES = ""
    LAB = {"sources": 4}
    SLUICE = {}

    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab(**cls.LAB))
        cls.sluice = cls.lab.start_sluice(cls.RULES, **cls.SLUICE)
        cls.addClassCleanup(audit, cls.sluice)
        cls.prepare()

    @classmethod
    def prepare(cls):
        """Servers, and what else the tests of a class share."""

    def tearDown(self):
        self.sluice.check_accounts()

    def counted(self, read, act):
        """By how much the dict of numbers that read() returns grows over act(); without zeros."""
        before = read()
        act()
        after = read()
        return {key: after[key] - before.get(key, 0) for key in after if after[key] != before.get(key, 0)}
