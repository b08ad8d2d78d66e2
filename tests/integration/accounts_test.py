"""The account that all other tests end with notices when something does not add up."""

import copy
import unittest

import tools_path  # noqa: F401
from netlab.accounts import disagreements

GOOD = {
    "status": {"packets": {"received": 100, "made": 6, "forwarded": 91, "dropped": 10, "answered": 4, "held": 1},
               "fragments": {"held": 1}},
    "drops": {"no_rule": 7, "not_a_syn": 3},
    "interfaces": [{"rx_packets": 60, "tx_packets": 40}, {"rx_packets": 40, "tx_packets": 51}],
    "workers": [{"worker": 0, "received": 60, "made": 6, "forwarded": 81, "dropped": 5, "answered": 4, "handed_off": 5,
                 "handed_in": 30, "held_fragments": 1},
                {"worker": 1, "received": 40, "made": 0, "forwarded": 10, "dropped": 5, "answered": 0, "handed_off": 30,
                 "handed_in": 5, "held_fragments": 0}],
}


class Accounts(unittest.TestCase):
    def test_what_adds_up(self):
        self.assertEqual(disagreements(**GOOD), [])

    def test_what_does_not(self):
        for change, words in ((lambda a: a["status"]["packets"].update(received=101), "received + made = 107, but forwarded"),
                              (lambda a: a["status"]["packets"].update(held=2, forwarded=90), "2 packets held at rest, 1"),
                              (lambda a: a["status"]["packets"].update(answered=5), "+ held = 107"),
                              (lambda a: a["workers"][0].update(held_fragments=0), "worker 0 does not balance"),
                              (lambda a: a["workers"][0].update(made=5), "worker 0 does not balance"),
                              (lambda a: a["drops"].update(no_rule=6), "drop reasons sum up to 9"),
                              (lambda a: a["interfaces"][0].update(rx_packets=61), "ports or workers sum up to 101"),
                              (lambda a: a["interfaces"][1].update(tx_packets=50), "ports or workers sum up to 90"),
                              (lambda a: a["workers"][0].update(handed_in=29), "35 packets handed off, but 34 handed in"),
                              (lambda a: a["workers"][1].update(dropped=6), "worker 1 does not balance")):
            with self.subTest(words=words):
                changed = copy.deepcopy(GOOD)
                change(changed)
                self.assertIn(words, "\n".join(disagreements(**changed)))


if __name__ == "__main__":
    unittest.main()
