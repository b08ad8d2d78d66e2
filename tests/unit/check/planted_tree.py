"""A project tree of a few files for one test, and the checks run on it as a contributor runs them."""

import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

CHECKS = Path(__file__).resolve().parents[3] / "tools" / "check"


class PlantedTree(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-check-")
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name).resolve()

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    def check(self, name, *arguments):
        """(exit status, what the check said)."""
        done = subprocess.run([sys.executable, "-B", str(CHECKS / name), *map(str, arguments), "--root", str(self.root)],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout

    def assert_clean(self, name, *arguments):
        status, said = self.check(name, *arguments)
        self.assertEqual(status, 0, said)
        self.assertRegex(said, rf"^{name}: ok \(.*\)\n$")

    def assert_found(self, name, *expected, arguments=()):
        """The check fails and says each of `expected`, and nothing else."""
        status, said = self.check(name, *arguments)
        self.assertEqual(status, 1, said)
        lines = said.splitlines()
        self.assertEqual(len(lines) - 1, len(expected), said)
        for text in expected:
            self.assertIn(text, said)
        self.assertTrue(lines[-1].startswith(f"{name}: {len(expected)} to mend"), said)

    def assert_not_checked(self, name, why, *arguments):
        status, said = self.check(name, *arguments)
        self.assertEqual(status, 2, said)
        self.assertIn(f"{name}: not checked: ", said)
        self.assertIn(why, said)
