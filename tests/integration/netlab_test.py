"""The labs that all other integration tests stand on: that they connect, isolate, and leave nothing behind."""

import os
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

import tools_path
from netlab import Lab, LabError, SavedSysctl, leftovers, run, vlan
from netlab.capture import Capture
from netlab.sluice import policy_head, worker_cpus


def namespaces_of(pid):
    names = [line.split()[0] for line in run(["ip", "netns", "list"]).stdout.splitlines() if line.strip()]
    return [name for name in names if name.startswith(f"sl-{pid}-")]


def start_tcpdump(namespace, *arguments):
    process = namespace.spawn("tcpdump", "-l", "-n", "-i", "m0", *arguments)
    process.wait_until(lambda: "listening on" in process.output(), 5.0, "sign of tcpdump listening")
    return process


class WiredLab(unittest.TestCase):
    def test_nothing_passes_without_somebody_in_the_middle(self):
        with Lab() as lab:
            self.assertEqual(lab.ping(count=2, timeout=0.3), 0)
            self.assertEqual(lab.client.connect(lab.server_address, 11211, timeout=0.3), "timeout")

    def test_ends_see_each_other_over_a_bridge_in_both_families(self):
        with Lab(sources=3) as lab:
            lab.start_bridge()
            self.assertEqual(lab.ping(count=3), 3)
            self.assertEqual(lab.ping(count=3, ipv6=True), 3)
            self.assertEqual(lab.client.connect(lab.server_address, 11211), "ECONNREFUSED")

    def test_frames_on_the_wire_have_finished_checksums(self):
        with Lab() as lab:
            lab.start_bridge()
            seen = start_tcpdump(lab.middle, "-vv", "-c", "8", "tcp or udp")
            lab.start_memcached()
            lab.loadgen(rate=10, seconds=1)
            seen.wait(10.0)
            self.assertIn("cksum", seen.output())
            self.assertNotIn("incorrect", seen.output())

    def test_memcached_does_not_run_as_root(self):
        with Lab() as lab:
            process = lab.start_memcached()
            owner = Path(f"/proc/{process.pid}").stat().st_uid
            self.assertNotEqual(owner, 0)

    def test_vlan_ends_talk_tagged_and_ignore_what_is_not(self):
        with Lab(vlan=77) as lab:
            lab.start_bridge()
            seen = start_tcpdump(lab.middle, "-e", "-c", "6")
            self.assertEqual(lab.ping(count=3), 3)
            self.assertEqual(lab.ping(count=3, ipv6=True), 3)
            seen.wait(5.0)
            frames = [line for line in seen.output().splitlines() if "ethertype" in line]
            self.assertEqual(len(frames), 6)
            for frame in frames:
                self.assertIn("vlan 77", frame)
            # The middle speaks untagged on the same wire: the ends must not hear it.
            lab.middle.ip("addr add 10.77.200.1/16 dev wire")
            self.assertEqual(lab.middle.ping(lab.client_address, count=2, timeout=0.3), 0)


class ImpairedLab(unittest.TestCase):
    def test_the_line_does_what_it_is_told_and_nothing_else(self):
        with Lab(impaired=True) as lab:
            lab.start_bridge()
            for ipv6, how, answered, requests in ((False, {}, 3, 3), (True, {"delay": 0.01}, 3, 3),
                                                  (False, {"loss": 1.0}, 0, 0), (False, {"duplicate": 1.0}, 3, 6)):
                with self.subTest(**how):
                    line = lab.start_impairment(**how)
                    with Capture(lab.server, "s0", "icmp[0] == 8 or (ip6[6] == 58 and ip6[40] == 128)") as arrived:
                        self.assertEqual(lab.ping(count=3, ipv6=ipv6, timeout=0.5), answered)
                    self.assertEqual(arrived.count(), requests)
                    line.stop()

    def test_losses_are_those_of_the_seed(self):
        with Lab(impaired=True) as lab:
            lab.start_bridge()
            self.assertEqual(self.lost(lab, 3), self.lost(lab, 3))

    def lost(self, lab, seed):
        """Which of 60 requests are lost on the way to the server. Nothing else may be on the line: each frame draws."""
        for namespace in (lab.client, lab.server):
            namespace.sysctl(net__ipv6__conf__all__disable_ipv6=1)
        lab.client.ip(f"neigh replace {lab.server_address} lladdr {self.address(lab.server, 's0')} dev c0")
        lab.server.ip(f"neigh replace {lab.client_address} lladdr {self.address(lab.client, 'c0')} dev s0")
        line = lab.start_impairment(seed=seed, loss=0.3)
        with Capture(lab.server, "s0", "icmp[0] == 8") as arrived:
            lab.ping(count=60, interval=0.01, timeout=0.3)
        line.stop()
        # Behind the headers of Ethernet, IPv4 and ICMP: the number of the request.
        numbers = {int.from_bytes(frame[40:42], "big") for frame in arrived.frames()}
        self.assertGreater(60 - len(numbers), 5)
        return set(range(1, 61)) - numbers

    @staticmethod
    def address(namespace, interface):
        return namespace.read(f"/sys/class/net/{interface}/address").strip()


class RoutedLab(unittest.TestCase):
    def test_the_middle_forwards_both_families(self):
        with Lab(routed=True, sources=2) as lab:
            self.assertEqual(lab.ping(count=3), 3)
            self.assertEqual(lab.ping(count=3, ipv6=True), 3)

    def test_nftables_in_the_middle_are_obeyed(self):
        with Lab(routed=True) as lab:
            lab.start_nftables("add table inet f\n"
                               "add chain inet f forward { type filter hook forward priority 0; policy drop; }\n")
            self.assertEqual(lab.ping(count=2, timeout=0.3), 0)


class Removal(unittest.TestCase):
    def test_everything_is_gone_after_the_block(self):
        with Lab() as lab:
            memcached = lab.start_memcached()
            folder = lab.folder
            self.assertTrue(memcached.running())
            self.assertEqual(len(namespaces_of(os.getpid())), 3)
        self.assertFalse(memcached.running())
        self.assertFalse(folder.exists())
        self.assertEqual(namespaces_of(os.getpid()), [])

    def test_everything_is_gone_after_an_error(self):
        with self.assertRaisesRegex(RuntimeError, "on purpose"):
            with Lab():
                raise RuntimeError("on purpose")
        self.assertEqual(namespaces_of(os.getpid()), [])

    def start_other_run(self):
        code = (f"import sys, time; sys.path.insert(0, {str(tools_path.TOOLS)!r}); sys.dont_write_bytecode = True\n"
                "from netlab import Lab, main_guard\n"
                "def main():\n"
                "    with Lab() as lab:\n"
                "        lab.start_memcached(); print('up', flush=True); time.sleep(60)\n"
                "main_guard(main, 'other')\n")
        other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(other.stdout.close)
        self.assertEqual(other.stdout.readline(), b"up\n")
        return other

    def test_signals_end_a_run_in_order(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(signal=number.name):
                other = self.start_other_run()
                other.send_signal(number)
                self.assertEqual(other.wait(10), 128 + number)
                self.assertEqual(namespaces_of(other.pid), [])
                self.assertFalse((leftovers.STATE / str(other.pid)).exists())

    def test_the_next_run_removes_what_a_killed_one_left(self):
        other = self.start_other_run()
        folder = leftovers.STATE / str(other.pid)
        self.assertEqual(len(namespaces_of(other.pid)), 3)
        living = self.start_other_run()
        self.assertEqual(len(namespaces_of(other.pid)), 3, "a living run's namespaces are not swept")
        other.kill()
        other.wait()
        self.assertEqual(len(namespaces_of(other.pid)), 3)
        leftovers.sweep()
        self.assertEqual(namespaces_of(other.pid), [])
        self.assertFalse(folder.exists())
        self.assertEqual(len(namespaces_of(living.pid)), 3)
        living.terminate()
        living.wait()


class Sysctl(unittest.TestCase):
    # How far fragments of one peer may be out of order: nothing on a test machine notices 61 to 63 instead of 64.
    PATH = Path("/proc/sys/net/ipv4/ipfrag_max_dist")

    def test_a_value_is_put_back(self):
        before = self.PATH.read_text()
        with SavedSysctl(self.PATH, 63):
            self.assertEqual(self.PATH.read_text(), "63\n")
            with self.assertRaisesRegex(LabError, "another run"):
                with SavedSysctl(self.PATH, 62):
                    self.fail("two at a time")
        self.assertEqual(self.PATH.read_text(), before)

    def test_a_value_is_put_back_after_a_kill(self):
        before = self.PATH.read_text()
        code = (f"import sys, time; sys.path.insert(0, {str(tools_path.TOOLS)!r}); sys.dont_write_bytecode = True\n"
                "from netlab import SavedSysctl\n"
                f"with SavedSysctl({str(self.PATH)!r}, 61): print('set', flush=True); time.sleep(60)\n")
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as other:
            self.assertEqual(other.stdout.readline(), b"set\n")
            other.kill()
        self.assertEqual(self.PATH.read_text(), "61\n")
        with SavedSysctl(self.PATH, 62) as saved:
            self.assertEqual(saved.before, before.strip())
        self.assertEqual(self.PATH.read_text(), before)


class Errors(unittest.TestCase):
    def test_commands_say_what_went_wrong(self):
        with self.assertRaisesRegex(LabError, "'ip link show nowhere' failed with 1: .*does not exist"):
            run(["ip", "link", "show", "nowhere"])
        with self.assertRaisesRegex(LabError, "is not installed"):
            run(["no-such-program"])
        with self.assertRaisesRegex(LabError, "did not end within"):
            run(["sleep", "5"], timeout=0.1)

    def test_a_process_that_ends_early_is_told_with_its_words(self):
        with Lab() as lab:
            process = lab.client.spawn("/bin/sh", "-c", "echo wrong word; exit 3")
            with self.assertRaisesRegex(LabError, "(?s)ended with 3 before a line 'ready:.*wrong word"):
                process.wait_for_line("ready:", 5.0)
            process = lab.client.spawn("sleep", "60")
            with self.assertRaisesRegex(LabError, "within 0.1 s"):
                process.wait_for_line("ready:", 0.1)

    def test_stop_kills_what_does_not_listen(self):
        with Lab() as lab:
            process = lab.client.spawn("/bin/sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done")
            process.wait_for_line("up", 5.0)
            code, _ = process.stop(timeout=0.2)
            self.assertEqual(code, -signal.SIGKILL)


class PolicyHead(unittest.TestCase):
    def test_names_devices_and_workers(self):
        last = sorted(os.sched_getaffinity(0))[-1]
        head = policy_head(workers=1, driver="af_packet", flows="16Ki", queues=2)
        self.assertIn('client: { device: "net_af_packet0,iface=m0,framecnt=4096,qpairs=2", peer: server }', head)
        self.assertIn('server: { device: "net_af_packet1,iface=m1,framecnt=4096,qpairs=2", peer: client }', head)
        self.assertIn(f"workers: {last}\n", head)
        self.assertIn("size: 16Ki", head)
        with self.assertRaises(LabError):
            worker_cpus(10_000)


class VlanPrograms(unittest.TestCase):
    def test_programs_are_whole_instructions(self):
        for program in (vlan.egress_program(5), vlan.ingress_program(5)):
            self.assertEqual(len(program) % 8, 0)
            self.assertEqual(program[-8], 0x95, "ends with exit")


if __name__ == "__main__":
    unittest.main()
