import subprocess
import sys
import unittest

from planted_tree import CHECKS, PlantedTree


class All(PlantedTree):
    def run_all(self):
        done = subprocess.run([sys.executable, "-B", str(CHECKS / "all"), str(self.root / "build"), "--root", str(self.root)],
                              capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout

    def test_one_line_each_and_the_worst_status(self):
        # An empty tree: no table, no libraries, nothing to say about words and format.
        status, said = self.run_all()
        self.assertEqual(status, 2, said)
        self.assertEqual([line.split(":")[0] for line in said.splitlines()], ["layers", "symbols", "words", "format"])

    def test_a_finding_in_one_is_a_finding_in_all(self):
        self.write("docs/architecture.md", "| library | one sentence | may use | third party |\n|-|-|-|-|\n| `net` | x | – | – |\n")
        self.write("lib/net/x.hpp", "\n")
        self.write("tools/check/hot_libraries", "")
        self.assertEqual(self.run_all()[0], 0)
        self.write("lib/net/x.hpp", "// FIX" + "ME\n")
        status, said = self.run_all()
        self.assertEqual(status, 1, said)
        self.assertIn("words: 1 to mend", said)


if __name__ == "__main__":
    unittest.main()
