"""sluicectl against a live appliance: every command, with and without --json, and what it says when it cannot."""

import json
import os
import subprocess
import unittest

from appliance_case import ApplianceCase, SharedApplianceCase
from netlab.servers import MEMCACHED_PORT

RULES = f"""
services:
  memcached: {{ protocol: tcp, ports: [{MEMCACHED_PORT}] }}
  ping: {{ protocol: icmp, icmp_type: echo_request }}
timeouts:
  default: {{ tcp_closing: 10m, icmp: 10m }}
rules:
  - {{ name: ping, from: {{ zone: client }}, service: ping, action: allow }}
  - {{ name: memcached, from: {{ zone: client }}, to: {{ zone: server }}, service: memcached, action: allow }}
  - {{ name: web, from: {{ zone: client }}, protocol: tcp, to: {{ ports: [80] }}, action: allow, track: false, reply: mirror }}
  - {{ name: no-telnet, protocol: tcp, to: {{ ports: [23] }}, action: drop }}
default: {{ action: drop }}
"""


class LiveAppliance(SharedApplianceCase):
    RULES = RULES

    @classmethod
    def prepare(cls):
        cls.lab.start_memcached()
        cls.lab.ping(count=3)
        cls.lab.loadgen(rate=100, seconds=1)
        cls.lab.client.connect(cls.lab.server_address, 23, timeout=0.2)
        cls.lab.client.connect(cls.lab.server_address, 9, timeout=0.2)

    def answer(self, *arguments):
        """The whole JSON document of a command's answer, after a look at its frame."""
        document = json.loads(self.sluice.sluicectl(*arguments, "--json").stdout)
        self.assertRegex(document["generated"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        return document

    def test_every_show_command_in_both_forms(self):
        for command, words in (("status", "forwarding"), ("show interfaces", "net_af_xdp"), ("show workers", "BUSY"),
                               ("show rules", "no-telnet"), ("show flows", "tcp_time_wait"), ("show drops", "rule_drop"),
                               ("show evictions", "No evictions since start"),
                               ("show policy", "name: memcached"), ("show version", "DPDK 22.11")):
            with self.subTest(command=command):
                self.assertIn(words, self.sluice.sluicectl(*command.split()).stdout)
                document = self.answer(*command.split())
                self.assertEqual(document["schema"], f"sluice.{command.split()[-1]}/1")
                self.assertTrue(document["data"])

    def test_status(self):
        status = self.sluice.status()
        self.assertEqual((status["state"], status["workers"], status["pid"]),
                         ("forwarding", 1, self.sluice.process.pid))
        self.assertEqual((status["policy"]["name"], status["policy"]["generation"], status["policy"]["rules"],
                          status["policy"]["file"]), ("lab", 1, 4, str(self.sluice.policy)))
        self.assertEqual((status["flows"]["used"], status["flows"]["capacity"]), (101, 65536))
        self.assertEqual(status["flows"]["per_state"], {"icmp_query": 1, "tcp_time_wait": 100})
        self.assertEqual(status["flows"]["per_class"], {"closing": 100, "half_open": 0, "unanswered": 1, "answered": 0},
                         "a ping is worth no more for being answered")
        self.assertEqual((status["flows"]["half_open_limit"], status["flows"]["under_pressure"],
                          status["flows"]["pressure_entered"], status["flows"]["pressure_seconds"]), (16384, 0, 0, None))
        self.assertGreater(status["memory"]["flow_table_bytes"], 65536 * 64)
        self.assertGreaterEqual(status["uptime_seconds"], 0)

    def test_interfaces(self):
        rows = self.sluice.control("show", "interfaces")
        self.assertEqual([(row["name"], row["peer"], row["zone"]) for row in rows],
                         [("client", "server", "client"), ("server", "client", "server")])
        for row in rows:
            self.assertTrue(row["link"]["up"])
            self.assertTrue(row["promiscuous"])
            self.assertGreater(min(row["rx_packets"], row["tx_packets"], row["rx_bytes"], row["tx_bytes"]), 0)
            self.assertRegex(row["mac"], "^(?:[0-9A-F]{2}:){5}[0-9A-F]{2}$")

    def test_rules(self):
        rows = self.sluice.control("show", "rules")
        self.assertEqual([(row["position"], row["name"], row["action"], row["track"], row["reply"]) for row in rows],
                         [(1, "ping", "allow", "tracked", None), (2, "memcached", "allow", "tracked", None),
                          (3, "web", "allow", "untracked", "mirror"), (4, "no-telnet", "drop", "tracked", None),
                          (5, "default", "drop", "tracked", None)])
        by_name = {row["name"]: row for row in rows}
        self.assertEqual((by_name["memcached"]["flows_created"], by_name["memcached"]["flows"]), (100, 100))
        self.assertEqual((by_name["memcached"]["reserve"], by_name["memcached"]["kept"], by_name["memcached"]["evicted"],
                          by_name["memcached"]["evicted_for"], by_name["memcached"]["refused"]), (None, 0, {}, 0, 0))
        self.assertGreaterEqual(by_name["ping"]["packets"], 6)
        self.assertGreaterEqual(by_name["no-telnet"]["packets"], 1)
        self.assertEqual(by_name["web"]["packets"], 0)
        self.assertIsNone(by_name["web"]["last_hit_seconds"])
        text = self.sluice.policy.read_text().splitlines()
        self.assertIn("name: no-telnet", text[by_name["no-telnet"]["line"] - 1])
        unused = self.sluice.control("show", "rules", "--unused")
        self.assertIn("web", [row["name"] for row in unused])
        self.assertEqual([row["name"] for row in self.sluice.control("show", "rules", "web")], ["web"])

    def flows(self, *filters):
        return self.answer("show", "flows", *filters)

    def test_flow_filters(self):
        client, server = self.lab.client_address, self.lab.server_address
        for filters, count in ((("dport", "11211"), 100), (("rule", "ping"), 1), (("protocol", "icmp"), 1),
                               (("destination", f"{server}/32"), 101), (("source", server), 0),
                               (("address", server), 101), (("state", "tcp_time_wait"), 100), (("zone", "server"), 101),
                               (("interface", "client"), 101), (("interface", "server"), 0), (("worker", "0"), 101),
                               (("protocol", "tcp", "source", client), 25), (("dport", "11000-11300"), 100),
                               (("source", "2001:db8::/32"), 0)):
            with self.subTest(filters=filters):
                answer = self.flows(*filters)
                self.assertEqual((answer["matched"], len(answer["data"]), answer["total"]), (count, count, 101))
        limited = self.flows("dport", "11211", "--limit", "7")
        self.assertEqual((limited["matched"], len(limited["data"])), (100, 7))

    def test_a_flow_of_a_whole_connection(self):
        flow = self.flows("dport", "11211", "--limit", "1")["data"][0]
        self.assertEqual((flow["protocol"], flow["destination"], flow["destination_port"], flow["state"], flow["vlan"]),
                         ("tcp", self.lab.server_address, MEMCACHED_PORT, "tcp_time_wait", None))
        self.assertGreaterEqual(min(flow["packets"]), 4)
        self.assertGreaterEqual(min(flow["bytes"]), 4 * 54)
        self.assertEqual(flow["timeout_seconds"], 600)
        self.assertGreaterEqual(flow["age_seconds"], flow["idle_seconds"])

    def test_drops(self):
        data = self.sluice.control("show", "drops")
        reasons = {row["reason"]: row for row in data["reasons"]}
        self.assertGreaterEqual(reasons["rule_drop"]["packets"], 1)
        self.assertGreaterEqual(reasons["no_rule"]["packets"], 1)
        self.assertIn("default action", reasons["no_rule"]["text"])
        self.assertEqual(self.sluice.control("show", "drops", "not_a_syn")["reasons"][0]["packets"], 0)
        self.assertGreater(len(self.sluice.control("show", "drops", "--all")["reasons"]), 20)

    def test_policy_is_shown_as_it_was_written(self):
        self.assertEqual(self.sluice.control("show", "policy")["text"], self.sluice.policy.read_text())
        self.assertEqual(self.sluice.sluicectl("show", "policy", "--raw").stdout, self.sluice.policy.read_text())

    def test_exit_codes(self):
        for arguments, code, words in ((("show", "rules", "nobody"), 6, "nobody"), (("show", "drops", "bad_luck"), 6, ""),
                                       (("show", "flows", "sport", "x"), 2, "sport"), (("frobnicate",), 2, ""),
                                       (("policy", "apply", "/nowhere.yaml"), 1, "/nowhere.yaml")):
            with self.subTest(arguments=arguments):
                done = self.sluice.sluicectl(*arguments, check=False)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(words, done.stderr)

    def test_a_script(self):
        done = subprocess.run([self.lab.build / "app/sluicectl/sluicectl", "-s", self.sluice.socket], text=True,
                              input="show version\nsh rules web\n", capture_output=True, check=False, timeout=20)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("DPDK 22.11", done.stdout)
        self.assertIn("untracked", done.stdout)


class Links(ApplianceCase):
    def test_a_link_that_goes_down_and_up(self):
        lab, sluice = self.start(RULES)
        lab.client.ip("link set c0 down")
        sluice.process.wait_for_words("interface client: link is down", 5.0)
        self.assertTrue(any("link is down" in warning for warning in sluice.status()["warnings"]))
        lab.client.ip("link set c0 up")
        sluice.process.wait_for_words("interface client: link is up", 5.0)
        self.assertEqual(sluice.status()["warnings"], [])
        self.assertEqual(lab.ping(count=2), 2)


class Permissions(ApplianceCase):
    """Root may do everything, a stranger nothing."""

    def test_a_user_of_no_group(self):
        lab, sluice = self.start(RULES)
        for folder in (lab.folder.parent.parent, lab.folder.parent, lab.folder):
            os.chmod(folder, 0o755)
        os.chmod(sluice.socket, 0o666)  # past the file's own mode, to those who ask who it is
        for command in (("status",), ("policy", "apply", sluice.policy)):
            done = lab.middle.run("setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups",
                                  lab.build / "app/sluicectl/sluicectl", "-s", sluice.socket, *command, check=False)
            self.assertEqual(done.returncode, 4, done.stderr)

    def test_a_stopped_appliance(self):
        _, sluice = self.start(RULES)
        self.stop(sluice)
        done = sluice.sluicectl("status", check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn(f"cannot reach sluiced at {sluice.socket}", done.stderr)

    def test_changes_are_logged_with_who_made_them(self):
        _, sluice = self.start(RULES)
        sluice.apply(RULES.replace("no-telnet", "no-more-telnet"))
        sluice.process.wait_for_words("applied as generation 2 (uid 0, pid ", 5.0)


if __name__ == "__main__":
    unittest.main()
