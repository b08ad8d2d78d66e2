"""tools/setup and tools/build, with their output."""

import os
import signal
import subprocess
from pathlib import Path

from netlab import LabError

_TOOLS = Path(__file__).resolve().parent.parent


def prepare():
    """Makes the machine ready and builds what the lab runs. Quick when there is nothing to do."""
    run_loudly(_TOOLS / "setup")
    run_loudly(_TOOLS / "build", "app/sluiced/sluiced", "app/sluicectl/sluicectl", "tools/loadgen/sluice-loadgen",
               "tools/loadgen/sluice-udpblast")


def run_loudly(*command):
    """Runs a command with its output for all to see; LabError when it fails."""
    command = [str(part) for part in command]
    print(f"lab: {' '.join(command)}", flush=True)
    # A session of its own: a signal reaches us alone, and we end all of it.
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            code = process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            raise
    if code != 0:
        raise LabError(f"{command[0]} failed with {code}")
