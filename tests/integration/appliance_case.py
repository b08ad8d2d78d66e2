"""Test cases with a running sluiced between two namespaces. Every one ends with its accounts in order."""

import os
import unittest

import tools_path  # noqa: F401
from netlab import Lab

FULL = os.environ.get("SLUICE_FULL") == "1"


class ApplianceCase(unittest.TestCase):
    """Starts labs and appliances; stops and audits them when the test is over, whatever came of it."""

    def start(self, rules, *, lab=None, expect_missing=0, **options):
        """A lab, or the one given, with sluiced in its middle; (lab, sluice)."""
        lab = lab or self.enterContext(Lab(sources=4))
        sluice = lab.start_sluice(rules, **options)
        self.addCleanup(self.audit, sluice)
        return lab, sluice

    def audit(self, sluice):
        """Accounts at rest, a clean stop, and the account that sluiced gives of itself at the end."""
        if not sluice.process.running():
            return  # the test has stopped it, and audited what there is to see
        at_rest = sluice.check_accounts()
        code, _ = sluice.stop()
        self.assert_clean_stop(sluice, code)
        final = sluice.final_account()
        self.assertGreaterEqual(final["received"], at_rest["received"])

    def assert_clean_stop(self, sluice, code):
        """Exit code 0, every packet and every packet buffer accounted for."""
        self.assertEqual(code, 0, sluice.process.output())
        final = sluice.final_account()
        self.assertEqual(final["received"], final["forwarded"] + final["dropped"], final)
        self.assertEqual((final["held"], final["missing"]), (0, 0), final)

    def assert_nothing_left(self, sluice):
        """No socket, no runtime folder, no hugepage file of this appliance."""
        self.assertEqual(leftovers_of(sluice), [])


def leftovers_of(sluice):
    """What a stopped sluiced has left behind, as paths."""
    from netlab import leftovers
    return [str(path) for path in leftovers.appliance_files(sluice.prefix, sluice.socket)]
