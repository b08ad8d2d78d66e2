"""tools/lab as a newcomer runs it, and interrupted in every phase."""

import difflib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

import tools_path
from netlab import LabError, leftovers, run
from netlab.namespaces import wait_for
from walkthrough import policies

LAB = tools_path.TOOLS / "lab"


def start_lab(*arguments, **options):
    return subprocess.Popen([LAB, "--no-build", *arguments], text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **options)


def group_exists(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def remains_of(pid):
    """Namespaces, processes, DPDK files and records that bear the pid of a run that has ended."""
    names = [line.split()[0] for line in run(["ip", "netns", "list"]).stdout.splitlines() if line.strip()]
    remains = [name for name in names if name.startswith(f"sl-{pid}-")]
    for folder in (Path("/run/dpdk"), Path("/dev/hugepages")):
        if folder.is_dir():
            remains += [str(path) for path in folder.glob(f"sl-{pid}-*")]
    if (leftovers.STATE / str(pid)).exists():
        remains.append(str(leftovers.STATE / str(pid)))
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if f"sl-{pid}-" in words or f"/run/sluice-netlab/{pid}/" in words:
                remains.append(words)
    return remains


class Demo(unittest.TestCase):
    def demo(self, *arguments):
        lab = start_lab("--demo", *arguments)
        said, _ = lab.communicate(timeout=180)
        self.assertEqual(lab.returncode, 0, said)
        self.assertEqual(re.findall(r"^(\d)\. ", said, re.MULTILINE), list("12345"), said)
        self.assertGreaterEqual(len(re.findall("^Seen: ", said, re.MULTILINE)), 5)
        self.assertNotIn("NOT SEEN", said)
        self.assertEqual(remains_of(lab.pid), [])
        return said

    def test_five_things_are_seen_and_nothing_is_left(self):
        said = self.demo()
        self.assertIn("untracked_syn_on_reply", said)
        self.assertIn("tcp_established", said)

    def test_the_other_driver_and_a_worker_on_every_cpu(self):
        said = self.demo("--driver", "af_packet", "--workers", str(len(os.sched_getaffinity(0))))
        self.assertIn("two ports are AF_PACKET", said)


class Interruption(unittest.TestCase):
    def interrupt(self, lab, number):
        lab.send_signal(number)
        said, _ = lab.communicate(timeout=30)
        self.assertEqual(lab.returncode, 128 + number, said)
        self.assertIn(f"{number.name}: cleaned up", said)
        self.assertNotIn("Traceback", said)
        self.assertEqual(remains_of(lab.pid), [])

    def test_signals_in_every_phase_leave_nothing(self):
        # The line after whose appearance the signal comes: in the middle of set-up, of a step, of load, of a reload.
        for number, line in ((signal.SIGTERM, "lab: making the namespaces"), (signal.SIGINT, "1. "),
                             (signal.SIGHUP, "2. "), (signal.SIGTERM, "3. "), (signal.SIGINT, "5. ")):
            with self.subTest(signal=number.name, after=line):
                lab = start_lab("--demo")
                while not (said := lab.stdout.readline()).startswith(line):
                    self.assertNotEqual(said, "", "ended too early")
                time.sleep(0.3)
                self.interrupt(lab, number)

    def test_a_second_signal_does_not_cut_the_removal_short(self):
        lab = start_lab("--demo")
        while not lab.stdout.readline().startswith("1. "):
            pass
        lab.send_signal(signal.SIGINT)
        self.interrupt(lab, signal.SIGINT)

    def test_setting_up_and_building_end_with_us(self):
        code = (f"import sys; sys.path.insert(0, {str(tools_path.TOOLS)!r}); sys.dont_write_bytecode = True\n"
                "from netlab import main_guard\n"
                "from walkthrough import preparation\n"
                "main_guard(lambda: preparation.run_loudly('/bin/sh', '-c', 'echo $$; sleep 60 & wait'), 'lab')\n")
        with subprocess.Popen([sys.executable, "-c", code], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT) as lab:
            self.assertIn("lab: /bin/sh", lab.stdout.readline())
            group = int(lab.stdout.readline())
            lab.send_signal(signal.SIGTERM)
            self.assertIn("cleaned up", lab.stdout.read())
            self.assertEqual(lab.wait(10), 128 + signal.SIGTERM)
        # Signalled before the program ended, but who is orphaned is buried by init, in its own time.
        wait_for(lambda: not group_exists(group), 10.0, "end of the process group")


class Terminal(unittest.TestCase):
    """With a terminal, a shell follows."""

    def test_the_shell_at_the_end(self):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(LAB, ["lab", "--no-build"])
        self.addCleanup(os.close, terminal)
        self.wait_for(terminal, b"Things to try")
        for line, answer in (("sluicectl status | cat", b"forwarding"),
                             ("client curl -s http://10.77.129.1/", b"hello from the server"),
                             ("sluicectl policy apply $tracked", b"applied, generation 4"),
                             ("exit", b"nothing is left behind")):
            os.write(terminal, line.encode() + b"\n")
            self.wait_for(terminal, answer)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        self.assertEqual(remains_of(pid), [])

    def wait_for(self, terminal, wanted):
        seen = b""
        while wanted not in seen:
            try:
                more = os.read(terminal, 4096) if select.select([terminal], [], [], 60)[0] else b""
            except OSError:  # how Linux tells that the other end is closed
                more = b""
            self.assertNotEqual(more, b"", f"no {wanted!r} in:\n{seen.decode(errors='replace')}")
            seen += more


class Usage(unittest.TestCase):
    def test_mistakes(self):
        for arguments in (("--workers", "0"), ("--workers", "1000"), ("--driver", "magic"), ("--frobnicate",)):
            done = subprocess.run([LAB, *arguments], capture_output=True, text=True, check=False, timeout=20)
            self.assertEqual(done.returncode, 2, arguments)

    def test_without_root(self):
        # Nobody in a user namespace: still the owner of the files, which may lie where others cannot read them.
        done = subprocess.run(["unshare", "--user", LAB, "--demo"], capture_output=True, text=True, check=False,
                              timeout=20)
        self.assertEqual(done.returncode, 1)
        self.assertIn("use sudo", done.stderr)


class Policies(unittest.TestCase):
    def test_the_twin_differs_in_the_rule_memcached_alone(self):
        text = policies.untracked("af_xdp", 1)
        twin = policies.tracked(text)
        changes = [line for line in difflib.ndiff(text.splitlines(), twin.splitlines()) if line[0] in "+-"]
        self.assertEqual([line.split(maxsplit=1)[1] for line in changes], ["track: false", "reply: mirror"])
        self.assertEqual({line[0] for line in changes}, {"-"})
        with self.assertRaises(LabError):
            policies.tracked(twin)

    def test_ports_and_workers_are_those_of_the_run(self):
        text = policies.untracked("af_packet", 1, "sleep")
        self.assertIn('"net_af_packet1,iface=m1,', text)
        self.assertNotIn("af_xdp", text)
        self.assertIn("\n  idle: sleep\n", text)


if __name__ == "__main__":
    unittest.main()
