"""The pictures of docs/classifier.md come out of a classifier that is built for them, and are drawings."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = os.environ["CLASSIFIER_PARTS"]


def leaves_of(node):
    return [node] if "leaf" in node else [leaf for child in node["children"] for leaf in leaves_of(child)]


class Pictures(unittest.TestCase):
    def test_all_of_them_are_drawn(self):
        with tempfile.TemporaryDirectory(prefix="sluice-pictures-") as folder:
            subprocess.run([sys.executable, "-B", ROOT / "tools/classifier_pictures", "--program", PROGRAM, "--into", folder],
                           check=True, capture_output=True, timeout=60)
            drawn = sorted(path.name for path in Path(folder).iterdir())
            self.assertEqual(drawn, [f"classifier-{name}.svg" for name in ("boxes", "destination", "leaf", "source", "tree")])
            for name in drawn:
                image = xml.parse(Path(folder, name)).getroot()
                self.assertTrue(image.tag.endswith("svg"))
                self.assertGreater(len(list(image)), 20, name)
                page = (ROOT / "docs/classifier.md").read_text(encoding="utf-8")
                self.assertIn(f"images/{name}", page)

    def test_without_its_program_it_says_what_to_do(self):
        done = subprocess.run([sys.executable, "-B", ROOT / "tools/classifier_pictures", "--program", "/nowhere"], capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("tools/build", done.stderr)

    def test_the_parts_agree_with_each_other(self):
        parts = json.loads(subprocess.run([PROGRAM], check=True, capture_output=True, text=True, timeout=60).stdout)
        for end, dimension in (("source", 0), ("destination", 1)):
            classes = parts[end]["classes"]
            self.assertEqual(classes[0], [], "addresses in no list")
            self.assertEqual(len(classes), len({tuple(lists) for lists in classes}), "one class for each set of lists")
            self.assertEqual({start["class"] for start in parts[end]["line"]}, set(range(len(classes))))
            self.assertLessEqual(len(classes), 1 << parts["bits"][dimension])
        orders = {box["order"] for box in parts["boxes"]}
        for leaf in leaves_of(parts["tree"]):
            in_leaf = [box["order"] for box in leaf["boxes"]]
            self.assertEqual(in_leaf, sorted(in_leaf))
            self.assertLessEqual(set(in_leaf), orders)
        self.assertGreater(len(leaves_of(parts["tree"])), 8)


if __name__ == "__main__":
    unittest.main()
