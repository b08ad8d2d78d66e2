"""Commands that are waited for, and background processes that do not outlive us."""

import ctypes
import os
import signal
import subprocess
import time
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
REAL_TIME = "real time"


class LabError(Exception):
    """Something that the person at the terminal should read: one message, no traceback."""


def run(command, *, check=True, timeout=30.0, text_input=None, priority=0):
    """Runs a command to its end and returns the CompletedProcess, output as text.

    With `check`, an exit code other than 0 raises LabError with the command and what it said. `priority` as of a Process.
    """
    command = [str(part) for part in command]
    parent = os.getpid()
    ahead = {"start_new_session": True, "preexec_fn": lambda: _before_exec(parent, None, priority)} if priority else {}
    try:
        done = subprocess.run(command, input=text_input, capture_output=True, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL if text_input is None else None, check=False, **ahead)
    except FileNotFoundError:
        raise LabError(f"{command[0]} is not installed: run tools/setup") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"'{' '.join(command)}' did not end within {timeout:g} s") from None
    if check and done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "(said nothing)")
        raise LabError(f"'{' '.join(command)}' failed with {done.returncode}: {said}")
    return done


class Process:
    """A background process. Its output goes to a file; it gets SIGKILL when this process dies.

    It has a session of its own, so that Ctrl-C on the terminal reaches only us, who then stop it in order.

    cpus      where it may run; None: everywhere
    priority  how far ahead of ordinary processes it goes, 0 to 20 (nice turned round), or REAL_TIME: ahead of all of
              them, for what sleeps most of the time
    """

    def __init__(self, command, *, log, name=None, cpus=None, priority=0):
        self.command = [str(part) for part in command]
        self.name = name or Path(self.command[0]).name
        self.log = Path(log)
        self.started = time.monotonic()
        parent = os.getpid()
        with open(self.log, "wb") as output:
            try:
                self._popen = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                               start_new_session=True,
                                               preexec_fn=lambda: _before_exec(parent, cpus, priority))
            except FileNotFoundError:
                raise LabError(f"{self.command[0]} is not installed: run tools/setup") from None

    @property
    def pid(self):
        return self._popen.pid

    def running(self):
        return self._popen.poll() is None

    def output(self):
        """All that the process has written so far."""
        return self.log.read_text(errors="replace")

    def wait(self, timeout):
        """The exit code; LabError when the process takes longer."""
        try:
            return self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise LabError(f"{self.name} did not end within {timeout:g} s; it said:\n{self._tail()}") from None

    def wait_for_line(self, start, timeout):
        """Waits for a line of the output that begins with `start`, and returns it."""
        def line():
            return next((text for text in self.output().splitlines() if text.startswith(start)), None)
        return self.wait_until(line, timeout, f"a line '{start}…'")

    def wait_for_words(self, words, timeout):
        """Waits until the output has these words somewhere."""
        self.wait_until(lambda: words in self.output(), timeout, f"'{words}'")

    def wait_until(self, condition, timeout, what):
        """Waits until condition() is true and returns its value; LabError when the process ends or time is over."""
        deadline = time.monotonic() + timeout
        while True:
            ended = not self.running()
            value = condition()
            if value:
                return value
            if ended:
                raise LabError(f"{self.name} ended with {self._popen.returncode} before {what}; it said:\n"
                               f"{self._tail()}")
            if time.monotonic() > deadline:
                raise LabError(f"{self.name}: no {what} within {timeout:g} s; it said:\n{self._tail()}")
            time.sleep(0.02)

    def send_signal(self, number):
        """Sends a signal, if the process still runs."""
        if self.running():
            self._popen.send_signal(number)

    def stop(self, timeout=5.0, number=signal.SIGTERM):
        """SIGTERM, or another signal, then SIGKILL after `timeout`. Returns (exit code, seconds that it took)."""
        began = time.monotonic()
        self.send_signal(number)
        try:
            self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        return self._popen.returncode, time.monotonic() - began

    def _tail(self, count=20):
        return "\n".join(self.output().splitlines()[-count:]) or "(nothing)"


def _before_exec(parent, cpus, priority):
    """In the child, between fork and exec."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if cpus:
        os.sched_setaffinity(0, cpus)
    if priority == REAL_TIME:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    elif priority:
        _go_ahead(-priority)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    if os.getppid() != parent:  # the parent died before prctl
        os._exit(1)


def _go_ahead(nice):
    os.setpriority(os.PRIO_PROCESS, 0, nice)
    try:
        # Where sessions are scheduled as groups, nice only counts within one (sched(7)).
        with open("/proc/self/autogroup", "w", encoding="ascii") as file:
            file.write(str(nice))
    except OSError:
        pass
