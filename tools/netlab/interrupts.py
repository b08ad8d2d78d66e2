"""Signals that end a run in an orderly way: `with` blocks and `finally` clauses get their turn, once."""

import contextlib
import os
import signal
import sys

from netlab.processes import LabError

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Raised where the program is when a signal comes. Not an Exception: nothing may swallow it."""

    def __init__(self, number):
        super().__init__(signal.Signals(number).name)
        self.number = number


def _interrupt(number, _frame):
    # Cleaning up is under way from here on; a second Ctrl-C must not cut it short.
    for other in _SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    raise Interrupted(number)


@contextlib.contextmanager
def interruptible():
    """Within this block SIGINT, SIGTERM and SIGHUP raise Interrupted."""
    before = {number: signal.signal(number, _interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main_guard(main, program):
    """Runs main() as a program's main function and exits: its return value, 1 for a LabError, 128 + n for a signal."""
    try:
        with interruptible():
            if os.geteuid() != 0:
                raise LabError("wants root, for network namespaces: use sudo")
            code = main()
    except LabError as error:
        print(f"{program}: {error}", file=sys.stderr)
        code = 1
    except BrokenPipeError:  # as in `… | head`; what Python still holds back would fail again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except Interrupted as signal_seen:
        print(f"\n{program}: {signal_seen}: cleaned up", file=sys.stderr)
        code = 128 + signal_seen.number
    sys.exit(code)
