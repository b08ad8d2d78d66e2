"""A small flow table under more flows than it holds: who was evicted, why, for whom, and who tells."""

import signal
import unittest

from appliance_case import SharedApplianceCase
from netlab.servers import MEMCACHED_PORT

CAPACITY = 1024
RESERVED = 64
CONNECTIONS = 150
RULES = f"""
timeouts:
  default: {{ udp_new: 10m }}
rules:
  - {{ name: syslog, from: {{ zone: client }}, protocol: udp, to: {{ ports: [514] }}, action: allow }}
  - name: modest
    from: {{ zone: client }}
    protocol: udp
    to: {{ ports: [123] }}
    action: allow
    track: brief
    on_full: drop_new
  - name: memcached
    from: {{ zone: client }}
    protocol: tcp
    to: {{ ports: [{MEMCACHED_PORT}] }}
    action: allow
    reserve: {RESERVED}
default: {{ action: drop }}
"""

# Connections that are open until SIGTERM; SIGUSR1: each of them has memcached say its version.
HOLD = """
import signal, socket, sys
address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
ends = [socket.create_connection((address, port), 5) for _ in range(count)]
def speak(*_):
    alive = 0
    for end in ends:
        end.sendall(b'version\\r\\n')
        alive += end.recv(100).startswith(b'VERSION')
    print('alive', alive, flush=True)
signal.signal(signal.SIGUSR1, speak)
print('open', flush=True)
while True: signal.pause()
"""


class FullTable(SharedApplianceCase):
    """syslog's datagrams, each a flow of its own that nobody answers, fill the table; then connections want room."""

    RULES = RULES
    SLUICE = {"flows": str(CAPACITY), "idle": "sleep"}

    @classmethod
    def prepare(cls):
        cls.lab.start_memcached()
        cls.datagrams(514, 3000)
        cls.held = cls.lab.client.spawn("/usr/bin/python3", "-c", HOLD, cls.lab.server_address, MEMCACHED_PORT,
                                        CONNECTIONS, name="hold")
        cls.held.wait_for_line("open", 30.0)
        cls.datagrams(123, 50)

    @classmethod
    def datagrams(cls, port, count):
        """From as many source ports."""
        cls.lab.client.run("hping3", "-2", "-n", "-q", "-c", count, "-i", "u500", "-s", 10000, "-p", port,
                           cls.lab.server_address, check=False)

    def evictions(self, *arguments):
        return self.sluice.control("show", "evictions", *arguments)

    def test_status_says_that_the_table_is_under_pressure(self):
        status = self.sluice.status()
        flows = status["flows"]
        self.assertEqual((flows["capacity"], flows["used"]), (CAPACITY, CAPACITY))
        self.assertEqual(flows["per_class"], {"closing": 0, "half_open": 0, "unanswered": CAPACITY - CONNECTIONS,
                                              "answered": CONNECTIONS})
        self.assertEqual((flows["under_pressure"], flows["pressure_entered"]), (1, 1))
        self.assertGreater(flows["pressure_seconds"], 0)
        self.assertEqual(flows["half_open_limit"], CAPACITY // 4)
        self.assertTrue(any("under pressure with 1 of 1 workers" in words for words in status["warnings"]))
        self.assertIn("under pressure for", self.sluice.sluicectl("status").stdout)

    def test_totals_are_the_same_whoever_is_asked(self):
        evicted = {reason.removeprefix("evicted_"): count for reason, count
                   in self.sluice.status()["flows"]["ended"].items() if reason.startswith("evicted_")}
        answer = self.evictions()
        self.assertEqual(answer["by_cause"], evicted)
        self.assertEqual(answer["total"], sum(evicted.values()))
        by_rule = {row["rule"]: row for row in answer["by_rule"]}
        self.assertEqual(by_rule["syslog"]["lost"], evicted, "nobody else had to make room")
        self.assertEqual(sum(row["taken"] for row in answer["by_rule"]), answer["total"])
        for row in self.sluice.control("show", "rules"):
            known = by_rule.get(row["name"], {"lost": {}, "taken": 0})
            self.assertEqual((row["evicted"], row["evicted_for"]), (known["lost"], known["taken"]), row["name"])

    def test_rules(self):
        rows = {row["name"]: row for row in self.sluice.control("show", "rules")}
        cache = rows["memcached"]
        self.assertEqual((cache["flows"], cache["flows_created"], cache["reserve"], cache["kept"], cache["evicted"]),
                         (CONNECTIONS, CONNECTIONS, RESERVED, RESERVED, {}))
        self.assertEqual(cache["evicted_for"], CONNECTIONS - RESERVED, "the first ones found room reserved for them")
        syslog = rows["syslog"]
        self.assertEqual(syslog["flows"], CAPACITY - CONNECTIONS)
        self.assertEqual(syslog["flows_created"], syslog["flows"] + sum(syslog["evicted"].values()))
        self.assertIsNone(syslog["reserve"])
        modest = rows["modest"]
        self.assertEqual((modest["track"], modest["flows"], modest["refused"], modest["evicted_for"]),
                         ("brief", 0, 50, 0))
        self.assertEqual(self.sluice.drops()["flow_table_full"], 50)

    def test_who_was_evicted_for_whom(self):
        answer = self.evictions("memcached", "-n", "10")
        self.assertEqual([row["rule"] for row in answer["by_rule"]], ["memcached"])
        self.assertEqual(len(answer["latest"]), 10)
        ages = [row["at_seconds_ago"] for row in answer["latest"]]
        self.assertEqual(ages, sorted(ages), "newest first")
        for row in answer["latest"]:
            lost, taker = row["lost"], row["taker"]
            self.assertEqual((row["cause"], row["worker"]), ("unanswered", 0))
            self.assertEqual((lost["protocol"], lost["source"], lost["destination"], lost["destination_port"],
                              lost["vlan"], lost["rule"]),
                             ("udp", self.lab.client_address, self.lab.server_address, 514, None, "syslog"))
            self.assertEqual((taker["protocol"], taker["source"], taker["destination"], taker["destination_port"],
                              taker["rule"]),
                             ("tcp", self.lab.client_address, self.lab.server_address, MEMCACHED_PORT, "memcached"))
            self.assertGreaterEqual(row["age_seconds"], row["idle_seconds"])
            self.assertEqual(self.matching(taker), 1, "it has the entry now")
            self.assertEqual(self.matching(lost), 0)
        self.assertEqual(len(self.evictions("syslog", "-n", "100000")["latest"]), 256, "as many as a worker remembers")

    def matching(self, end):
        flows = self.sluice.control("show", "flows", "protocol", end["protocol"], "source", end["source"], "sport",
                                    str(end["source_port"]), "dport", str(end["destination_port"]))
        return len(flows)

    def test_whoever_has_an_answer_keeps_his_entry(self):
        before = self.held.output().count("alive")
        self.datagrams(514, 1000)
        self.held.send_signal(signal.SIGUSR1)
        self.held.wait_until(lambda: self.held.output().count("alive") > before, 20.0, "answers")
        self.assertIn(f"alive {CONNECTIONS}", self.held.output())
        self.assertEqual(self.sluice.rule("memcached")["evicted"], {})

    def test_in_words(self):
        text = self.sluice.sluicectl("show", "evictions").stdout
        for words in ("ITS-RULE", "unanswered", "syslog", "evictions since start: unanswered "):
            self.assertIn(words, text)
        self.assertIn("RESERVE", self.sluice.sluicectl("show", "rules").stdout)
        unknown = self.sluice.sluicectl("show", "evictions", "nobody", check=False)
        self.assertEqual((unknown.returncode, unknown.stderr.strip()), (6, "sluicectl: no rule is named 'nobody'"))
        self.assertIn("No flow of this rule has made room",
                      self.sluice.sluicectl("show", "evictions", "modest").stdout)


if __name__ == "__main__":
    unittest.main()
