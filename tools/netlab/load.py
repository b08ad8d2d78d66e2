"""Load between two namespaces, as dicts: short connections (sluice-loadgen), counted UDP (sluice-udpblast), iperf3.

The keys of the dicts are those of the programs' JSON; see tools/loadgen/results.hpp and udp_receiver.hpp.
"""

import json
import signal
from pathlib import Path

from netlab import servers
from netlab.processes import REAL_TIME, LabError


LOAD_PRIORITY = servers.PRIORITY  # a generator that waits for a CPU sends late and in bursts, and measures itself


class Load:
    """A load that runs in the background. `finish()` waits for it and returns its report."""

    def __init__(self, process, report, seconds):
        self.process = process
        self._report = Path(report)
        self._seconds = seconds

    def finish(self, tolerated=15.0):
        """The report; LabError when the load cannot be made or takes `tolerated` seconds longer than planned."""
        self.process.wait(self._seconds + tolerated)
        if not self._report.exists():
            raise LabError(f"{self.process.name}: {self.process.output().strip() or 'no report'}")
        return json.loads(self._report.read_text())


def start_loadgen(namespace, build, target, *, rate, seconds, sources=(), cpus=None, timeout=3.0, **options):
    """Starts sluice-loadgen against "ADDRESS:PORT". Further options by name: request="get", close="server", keep=4."""
    report = namespace.new_path("loadgen.json")
    command = [Path(build) / "tools/loadgen/sluice-loadgen", "--to", target, "--rate", rate, "--duration",
               f"{seconds}s", "--timeout", f"{timeout}s", "--json", report]
    for source in sources:
        command += ["--source", source]
    for name, value in options.items():
        command += [f"--{name.replace('_', '-')}", value]
    process = namespace.spawn(*command, name="sluice-loadgen", cpus=cpus, priority=LOAD_PRIORITY)
    return Load(process, report, seconds + timeout)


class Blast:
    """Numbered UDP packets at a constant rate from one namespace to "ADDRESS:PORT" in the other, under way."""

    def __init__(self, sender, receiver, build, target, *, rate, seconds, streams=1, source=None, payload_length=64,
                 cpus=None):
        program = Path(build) / "tools/loadgen/sluice-udpblast"
        self._files = {"send": sender.new_path("udpblast.json"), "receive": receiver.new_path("udpblast.json")}
        self._seconds = seconds
        self._receiver = receiver.spawn(program, "receive", "--listen", target, "--first-timeout", "10s", "--json",
                                        self._files["receive"], name="udpblast-receive", cpus=cpus,
                                        priority=REAL_TIME)
        self._receiver.wait_for_line("ready:", timeout=5.0)
        command = [program, "send", "--to", target, "--rate", rate, "--duration", f"{seconds}s", "--streams", streams,
                   "--payload-length", payload_length, "--json", self._files["send"]]
        if source:
            command += ["--source", source]
        self._sender = sender.spawn(*command, name="udpblast-send", cpus=cpus, priority=REAL_TIME)

    def sending(self):
        return self._sender.running()

    def stop(self):
        """The sender sends no more, and says how many there were."""
        self._sender.send_signal(signal.SIGTERM)

    def finish(self, tolerated=15.0):
        """{"sent": the sender's report, "received": the receiver's, "lost": sent but not received}.

        `lost` compares the counts of the two ends. Throws LabError when it takes `tolerated` seconds longer than planned.
        """
        reports = {"sent": Load(self._sender, self._files["send"], self._seconds).finish(tolerated),
                   "received": Load(self._receiver, self._files["receive"], 5.0).finish(tolerated)}
        reports["lost"] = reports["sent"]["sent"] - reports["received"]["received"]
        return reports


def iperf3(client, server, address, *, seconds=2, reverse=False, udp_rate=None, parallel=1):
    """Runs iperf3 and returns its JSON; `reverse` makes the server send. UDP at `udp_rate` such as "10M", else TCP."""
    listener = servers.start_iperf3_server(server, address)
    command = ["iperf3", "-c", address, "-t", seconds, "-P", parallel, "-J", "--connect-timeout", 3000]
    if reverse:
        command.append("-R")
    if udp_rate:
        command += ["-u", "-b", udp_rate]
    done = client.run(*command, check=False, timeout=seconds + 20)
    listener.stop()
    try:
        report = json.loads(done.stdout)
    except ValueError:
        raise LabError(f"iperf3: {done.stderr.strip() or done.stdout.strip()}") from None
    if "error" in report:
        raise LabError(f"iperf3: {report['error']}")
    return report
