"""How sluiced refuses to start, each time with one clear line, a documented exit code and nothing left behind."""

import json
import os
import signal
import socket
import unittest
from pathlib import Path

import tools_path  # noqa: F401
from appliance_case import ApplianceCase, audit, check_nothing_left
from netlab import Lab, leftovers
from netlab.sluice import policy_head

FAILED, USAGE, NOT_PERMITTED, POLICY_INVALID, NO_DEVICE, IN_USE, NO_MEMORY = 1, 2, 4, 5, 6, 7, 8

RULES = """
rules:
  - { name: ping, from: { zone: client }, protocol: icmp, icmp_type: echo_request, action: allow }
default: { action: drop }
"""
NOBODY = ("setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups")


class Refusals(unittest.TestCase):
    """All of them in one lab: that the next one finds it clean is part of the matter."""

    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab())
        # For those who are not root.
        for folder in (leftovers.STATE, cls.lab.folder.parent, cls.lab.folder):
            os.chmod(folder, 0o755)
        cls.prefix = leftovers.file_prefix("refused")
        cls.socket = cls.lab.folder / "refused.sock"
        cls.policy = cls.lab.folder / "refused.yaml"

    def sluiced(self, *arguments, user=()):
        return self.lab.middle.run(*user, self.lab.build / "app/sluiced/sluiced", *arguments, check=False, timeout=20)

    def refuse(self, code, words, policy=None, *, replace=(), more=(), user=(), lines=1, **places):
        """Starts sluiced with a policy, the good one with something replaced if none is given; returns what it said."""
        if policy is None:
            policy = policy_head() + RULES
            if replace:
                self.assertIn(replace[0], policy)
                policy = policy.replace(*replace)
        self.policy.write_text(policy)
        done = self.sluiced("-c", places.get("policy_file", self.policy), "-s", places.get("socket", self.socket),
                            "--file-prefix", places.get("prefix", self.prefix), *more, user=user)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertNotIn("ready:", done.stdout)
        own = done.stderr[done.stderr.index("sluiced: "):].rstrip("\n")
        self.assertIn(words, own)
        if lines:
            self.assertEqual(len(own.splitlines()), lines, own)
        check_nothing_left(self.lab.middle, self.prefix, self.socket)
        return own

    def test_usage(self):
        for arguments in ((), ("-c",), ("-c", self.policy, "--frobnicate"), ("-c", self.policy, "surplus")):
            with self.subTest(arguments=arguments):
                done = self.sluiced(*arguments)
                self.assertEqual(done.returncode, USAGE)
                self.assertIn("--help", done.stderr)

    def test_help_and_version(self):
        for word, expected in (("--help", "Exit codes: 0 stopped, 1 failed, 2 usage"), ("--version", "sluiced 0.")):
            done = self.sluiced(word)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn(expected, done.stdout)

    def test_policies_that_cannot_be_read(self):
        self.refuse(POLICY_INVALID, "No such file or directory", policy_file=self.lab.folder / "nowhere.yaml")
        self.refuse(POLICY_INVALID, "Is a directory", policy_file=self.lab.folder)
        self.refuse(POLICY_INVALID, "the policy is empty", "", lines=None)

    def test_wrong_yaml_and_wrong_policies_are_told_with_their_place(self):
        self.assertIn("refused.yaml:2:", self.refuse(POLICY_INVALID, "error[P0", "version: 1\n  - x: [", lines=None))
        said = self.refuse(POLICY_INVALID, "did you mean 'client'?", replace=("zone: client", "zone: clinet"), lines=None)
        self.assertRegex(said, r"refused\.yaml:\d+:\d+: error\[P\d+\]: unknown zone 'clinet'")
        self.assertIn("1 error", said)

    def test_all_errors_of_a_policy_at_once(self):
        said = self.refuse(POLICY_INVALID, "2 errors", lines=None, policy=policy_head() + RULES.replace(
            "zone: client", "zone: clinet").replace("action: drop", "action: dorp"))
        self.assertIn("clinet", said)
        self.assertIn("dorp", said)

    def test_a_cpu_that_is_not_there(self):
        self.refuse(POLICY_INVALID, "CPU 1023 is not one", replace=(policy_head().splitlines()[3], "  workers: 1023"))

    def test_devices_that_are_none(self):
        good = "net_af_xdp0,iface=m0"
        for device, words in (("net_nosuch0,iface=m0", "no driver for device 'net_nosuch0,iface=m0'"),
                              (f"{good},frobnicate=1", "does the driver know these arguments?"),
                              (f"{good},queue_count=999", "does the driver know these arguments?"),
                              ("net_af_xdp0,iface=nowhere", "has no interface 'nowhere'; 'ip link' lists them"),
                              ("net_af_xdp0", "cannot open device"),
                              ("net_pcap0,rx_pcap=/nowhere.pcap", "no file '/nowhere.pcap'"),
                              ("ffff:1f:1f.7", "no PCI device 'ffff:1f:1f.7'")):
            with self.subTest(device=device):
                self.refuse(NO_DEVICE, words, replace=(good, device))
        # The first port is open by the time the second one turns out to be missing.
        self.refuse(NO_DEVICE, "interface 'server'", replace=("iface=m1", "iface=nowhere"))

    def test_one_device_for_two_interfaces(self):
        self.refuse(IN_USE, "'m0' is in use", replace=("iface=m1", "iface=m0"))

    def test_an_mtu_that_the_port_does_not_do(self):
        head = policy_head().replace("peer: server }", "peer: server, mtu: 9000 }").replace(
            "peer: client }", "peer: client, mtu: 9000 }")
        self.refuse(FAILED, "mtu 9000 is outside of what the port does", head + RULES)

    def test_too_little_memory(self):
        self.refuse(NO_MEMORY, "make tables smaller", replace=("size: 64Ki", "size: 1Gi"))
        self.refuse(NO_MEMORY, "make tables smaller", replace=("size: 64Ki", "size: 1Gi"), more=("--no-huge",))
        self.refuse(NO_MEMORY, "run tools/setup --hugepages", replace=("system:", "system:\n  memory: { hugepages: 8Ti }"))

    def test_without_root(self):
        self.refuse(NOT_PERMITTED, "run as root", user=NOBODY, socket=Path("/tmp") / f"{self.prefix}.sock")
        for driver in ("af_xdp", "af_packet"):
            with self.subTest(driver=driver):
                self.refuse(NOT_PERMITTED, "run as root", policy_head(driver=driver) + RULES, user=NOBODY,
                            more=("--no-huge",), socket=Path("/tmp") / f"{self.prefix}.sock")
        self.assertFalse((Path("/tmp") / f"{self.prefix}.sock").exists())
        self.assertFalse((Path("/tmp", "dpdk", self.prefix)).exists(), "the runtime folder of users other than root")

    def test_a_socket_that_cannot_be(self):
        plain = self.lab.folder / "plain"
        plain.write_text("keep me")
        self.refuse(IN_USE, "exists and is not a socket", socket=plain)
        self.assertEqual(plain.read_text(), "keep me")
        self.refuse(IN_USE, "is longer than", socket=self.lab.folder / ("x" * 200))
        self.refuse(IN_USE, "No such file or directory", socket=Path("/nowhere/at/all.sock"))

    def test_a_file_prefix_that_is_no_name(self):
        self.refuse(FAILED, "is not letters, digits", prefix="a/b")
        self.refuse(FAILED, "is not letters, digits", prefix="")


class SecondInstance(ApplianceCase):
    """It is refused, and the first one goes on as if nothing had happened."""

    def test_same_socket_same_prefix_same_ports(self):
        lab, sluice = self.start(RULES)
        program = lab.build / "app/sluiced/sluiced"
        other_socket = lab.folder / "other.sock"
        for socket_path, prefix, words in ((sluice.socket, "other", "another server answers"),
                                           (other_socket, sluice.prefix, "another process uses the file prefix"),
                                           (other_socket, f"{sluice.prefix}-other", "'m0' is in use")):
            with self.subTest(words=words):
                done = lab.middle.run(program, "-c", sluice.policy, "-s", socket_path, "--file-prefix", prefix,
                                      check=False)
                self.assertEqual(done.returncode, IN_USE, done.stderr)
                self.assertIn(words, done.stderr)
                self.assertEqual(lab.ping(count=2), 2)
                self.assertEqual(sluice.status()["state"], "forwarding")
                self.assertFalse(other_socket.exists())
                self.assertFalse(Path("/run/dpdk", f"{sluice.prefix}-other").exists())

    def test_two_appliances_on_one_machine(self):
        first_lab, first = self.start(RULES)
        second_lab, second = self.start(RULES, driver="af_packet")
        for lab, sluice in ((first_lab, first), (second_lab, second)):
            self.assertEqual(lab.ping(count=3), 3)
            self.assertEqual(sluice.rule("ping")["packets"], 6)


class AfterACrash(ApplianceCase):
    def test_the_next_start_needs_no_cleaning(self):
        for driver in ("af_xdp", "af_packet"):
            with self.subTest(driver=driver), Lab() as lab:
                killed = lab.start_sluice(RULES, driver=driver)
                self.assertEqual(lab.ping(count=2), 2)
                killed.process.send_signal(signal.SIGKILL)
                killed.process.wait(5.0)
                self.assertTrue(killed.socket.exists())
                # What a port was before the crash, its next owner cannot know: it finds it promiscuous.
                lab.middle.ip("link set m0 promisc off", "link set m1 promisc off")
                # The same command line: the same socket, file prefix and ports.
                again = lab.middle.spawn(*killed.command)
                killed.process = again
                again.wait_for_line("ready:", 20.0)
                self.assertEqual(lab.ping(count=3), 3)
                audit(killed)


class WithoutHugepages(ApplianceCase):
    def test_no_huge(self):
        lab, sluice = self.start(RULES, arguments=("--no-huge",))
        self.assertEqual(lab.ping(count=3), 3)
        self.assertFalse(sluice.status()["memory"]["hugepages"])
        self.assertEqual(list(Path("/dev/hugepages").glob(f"{sluice.prefix}*")), [])

    def test_no_huge_over_af_packet(self):
        lab, _ = self.start(RULES, arguments=("--no-huge",), driver="af_packet")
        self.assertEqual(lab.ping(count=3), 3)


class Telemetry(ApplianceCase):
    """DPDK's own telemetry socket stays on, for dpdk-telemetry.py and those who collect with it."""

    def ask(self, connection, command):
        connection.send(command.encode())
        return json.loads(connection.recv(16384))[command.split(",")[0]]

    def test_it_answers(self):
        _, sluice = self.start(RULES)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
            connection.settimeout(10)
            connection.connect(f"/run/dpdk/{sluice.prefix}/dpdk_telemetry.v2")
            hello = json.loads(connection.recv(16384))
            self.assertEqual(hello["pid"], sluice.process.pid)
            self.assertEqual(self.ask(connection, "/ethdev/list"), [0, 1])
            self.assertIn("ipackets", self.ask(connection, "/ethdev/stats,0"))


if __name__ == "__main__":
    unittest.main()
