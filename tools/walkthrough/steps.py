"""The five things that the lab shows. Each is done by real clients, and checked rather than assumed."""

import contextlib
import time

from netlab import LabError
from netlab.servers import HTTP_PORT, MEMCACHED_PORT
from walkthrough import policies

SSH_PORT = 22
CLIENT_PORT = 8080      # where the client listens, so that it is the firewall that keeps the server away
RATE = 300              # memcached connections a second
STEADY_SECONDS = 4
BEFORE, TRACKED, AFTER = 2, 4, 6  # seconds of the load: untracked, tracked, untracked again
TIMEOUT = 1.0           # seconds that a connection may take
AT_ONCE = 15            # connections open at the same time, at most: each lasts about a millisecond, or a few


class Walk:
    """Goes through the five with a lab, the appliance in it, and the policy text that the appliance started with."""

    def __init__(self, lab, sluice, narration, policy_text):
        self.lab = lab
        self.sluice = sluice
        self.narration = narration
        self.untracked = policy_text
        self.tracked = policies.tracked(policy_text)

    def all(self, driver):
        lab, narration = self.lab, self.narration
        lab.start_http()
        lab.start_memcached()
        narration.title("Sluice between a client and a server")
        narration.tell(f"The client is {lab.client_address}, the server {lab.server_address}, each in a network "
                       f"namespace of its own. The only way between them is sluiced, whose two ports are {driver} on "
                       f"veth interfaces. The kernel neither forwards nor tracks anything. The policy is "
                       f"conf/policies/lab.yaml.")
        narration.output(self.sluice.process.wait_for_line("ready:", 1.0))
        self.allowed_is_tracked()
        self.unsolicited_is_dropped()
        self.memcached_leaves_no_flow()
        self.server_cannot_dial_out()
        self.reload_under_load()

    # --- 1 ---

    def allowed_is_tracked(self):
        self.narration.step("An allowed connection is tracked")
        self.narration.tell("Rules 'web' and 'ssh' let the client open connections to the server. The client fetches a "
                            "page, and keeps a connection to port 22 open, as SSH would.")
        page = self._run("client", self.lab.client, "curl", "-s", "-S", "--max-time", "5",
                         f"http://{self.lab.server_address}:{HTTP_PORT}/")
        with self._connection_to_port_22() as greeting:
            flows = self._flows("dport", str(SSH_PORT))
            self._show_flows()
        live = [flow for flow in flows if flow["state"] == "tcp_established" and min(flow["packets"]) > 0]
        self.narration.check("hello from the server" in page and greeting and len(live) == 1
                             and live[0]["rule"] == "ssh",
                             "the page came, port 22 answered, and its connection is a flow, established by rule 'ssh', "
                             "with packets both ways")

    @contextlib.contextmanager
    def _connection_to_port_22(self):
        """A connection from client to server that stays open within the block; yields whether the server was heard."""
        greeter = self.lab.server.spawn("/bin/sh", "-c", f"(echo hello from port {SSH_PORT}; sleep 60) | "
                                                         f"nc -N -l {self.lab.server_address} {SSH_PORT}", name="sshlike")
        self.lab.server.wait_until_listening(SSH_PORT, greeter)
        self.narration.command("client", f"nc -d {self.lab.server_address} {SSH_PORT}")
        client = self.lab.client.spawn("nc", "-d", self.lab.server_address, SSH_PORT)
        try:
            heard = client.wait_for_line("hello", 5.0)
        except LabError as problem:
            heard = ""
            self.narration.output(str(problem))
        self.narration.output(heard)
        yield bool(heard)
        client.stop()
        greeter.stop()

    # --- 2 ---

    def unsolicited_is_dropped(self):
        self.narration.step("An unsolicited connection is dropped")
        self.narration.tell(f"The client listens on port {CLIENT_PORT}, but no rule lets the server open a connection "
                            "to it.")
        with self._client_listens() as reachable_at_home:
            before = self._drops("no_rule")
            answer = self._run("server", self.lab.server, "nc", "-vz", "-w", "1", self.lab.client_address, CLIENT_PORT)
            dropped = self._drops("no_rule") - before
        self._run("appliance", self.sluice, "show", "drops", "no_rule")
        self.narration.check(reachable_at_home and "timed out" in answer and dropped > 0,
                             "the client accepts connections from its own side, the server gets no answer, and the "
                             f"packets dropped with reason no_rule are {dropped} more than before")

    @contextlib.contextmanager
    def _client_listens(self):
        """Something accepts connections on the client; yields whether it does so from the client's own side."""
        listener = self.lab.client.spawn("nc", "-k", "-l", self.lab.client_address, CLIENT_PORT)
        self.lab.client.wait_until_listening(CLIENT_PORT, listener)
        yield self.lab.client.connect(self.lab.client_address, CLIENT_PORT) == "connected"
        listener.stop()

    # --- 3 ---

    def memcached_leaves_no_flow(self):
        self.narration.step("memcached is served, and the flow table stays empty")
        self.narration.tell("Rule 'memcached' is untracked: each packet is judged by itself, answers pass by the "
                            "rule's mirror, and nothing is stored. First the flows of step 1 have to end.")
        self._wait_for_empty_table()
        self.narration.command("client", f"sluice-loadgen --to {self.lab.target(MEMCACHED_PORT)} --rate {RATE} "
                                         f"--duration {STEADY_SECONDS}s")
        created = self._flows_created()
        load = self.lab.start_loadgen(rate=RATE, seconds=STEADY_SECONDS, timeout=TIMEOUT, require=0)
        used = [used for _, used in self._watch(load, "untracked")]
        report = load.finish()
        created = self._flows_created() - created
        self.narration.line(_summary(report))
        self.narration.check(report["completed"] == report["planned"] and created == 0 and max(used, default=1) == 0,
                             f"{report['completed']} of {report['planned']} requests were answered, and the flow table "
                             "was empty all the time")

    def _wait_for_empty_table(self):
        deadline = time.monotonic() + 30
        while (used := self.sluice.flows_used()) > 0 and time.monotonic() < deadline:
            self.narration.line(f"{used} flows still in the table")
            time.sleep(1)

    # --- 4 ---

    def server_cannot_dial_out(self):
        self.narration.step("The memcached server cannot dial out")
        self.narration.tell(f"An untracked rule has no memory of who asked. Its mirror lets packets from port "
                            f"{MEMCACHED_PORT} pass, but not those that open a connection: somebody who has taken over "
                            f"the server tries it, from port {MEMCACHED_PORT} of its second address.")
        with self._client_listens() as reachable_at_home:
            before = self._drops("untracked_syn_on_reply")
            answer = self._run("server", self.lab.server, "nc", "-vz", "-w", "1", "-s", self.lab.free_address, "-p",
                               MEMCACHED_PORT, self.lab.client_address, CLIENT_PORT)
            dropped = self._drops("untracked_syn_on_reply") - before
        self._run("appliance", self.sluice, "show", "drops", "untracked_syn_on_reply")
        self.narration.check(reachable_at_home and "timed out" in answer and dropped > 0,
                             "the server gets no answer, and the packets dropped with reason untracked_syn_on_reply are "
                             f"{dropped} more than before")

    # --- 5 ---

    def reload_under_load(self):
        self.narration.step("A reload under load makes memcached tracked, and untracked again")
        self.narration.tell(f"While {RATE} connections a second go on, the policy is replaced twice: by one in which "
                            "rule 'memcached' is tracked, and by the first one again. No worker stops. While it is "
                            "tracked, the table fills; afterwards it drains, as the flows' closing time is 4 s.")
        tracked = self.sluice.write_policy(self.tracked, "tracked.yaml")
        untracked = self.sluice.write_policy(self.untracked, "untracked.yaml")
        load = self.lab.start_loadgen(rate=RATE, seconds=BEFORE + TRACKED + AFTER, timeout=TIMEOUT, require=0)
        began = time.monotonic()
        before = self._watch(load, "untracked", began, until=BEFORE)
        flipped = time.monotonic() - began
        self._run("appliance", self.sluice, "policy", "apply", tracked)
        filling = self._watch(load, "tracked", began, until=BEFORE + TRACKED)
        self._run("appliance", self.sluice, "policy", "apply", untracked)
        draining = self._watch(load, "untracked", began)
        report = load.finish()
        self.narration.line(_summary(report))
        self._judge_flows(before, filling, draining)
        self._judge_requests(report, flipped)

    def _judge_flows(self, before, filling, draining):
        first, most, last = (max(used for _, used in part) for part in (before, filling + draining, draining[-1:]))
        text = f"before, the table held {first} flows; while memcached was tracked, up to {most}; in the end {last}"
        if last:
            text += (". Those were open when tracking ended: their last packets were judged untracked, so the flows wait "
                     "for their time-out")
        self.narration.check(first == 0 and most > RATE * TRACKED / 2 and last <= AT_ONCE, text)

    def _judge_requests(self, report, flipped):
        """All requests are answered, except that a connection open at the very flip has no flow and is cut.

        Which those are is told by when they are given up: a timeout after the flip, and never again.
        """
        missing = report["planned"] - report["completed"]
        interval = report["interval_ms"] / 1000
        given_up = [index * interval for index, count in enumerate(report["intervals"]["failed"]) if count]
        at_the_flip = all(flipped - interval <= when <= flipped + TIMEOUT + 1.0 for when in given_up)
        text = f"{report['completed']} of {report['planned']} requests were answered"
        if missing and at_the_flip:
            text += (f"; {missing} were on a connection that was open when tracking began. It had no flow, and a flow "
                     "begins with a SYN")
        self.narration.check(missing == 0 or (at_the_flip and missing <= AT_ONCE), text)

    # --- what the steps share ---

    def _run(self, where, runner, *command):
        """Runs a command in a namespace, or sluicectl, as the reader would; shows it and its output, returns that."""
        if runner is self.sluice:
            self.narration.command(where, " ".join(["sluicectl", *(getattr(part, "name", str(part)) for part in command)]))
            done = runner.sluicectl(*command, check=False)
        else:
            self.narration.command(where, " ".join(map(str, command)))
            done = runner.run(*command, check=False)
        self.narration.output(done.stdout + done.stderr)
        return done.stdout + done.stderr

    def _show_flows(self):
        self._run("appliance", self.sluice, "show", "flows")

    def _flows(self, *filters):
        return self.sluice.control("show", "flows", *filters)

    def _flows_created(self):
        return self.sluice.status()["flows"]["created"]

    def _drops(self, reason):
        return self.sluice.drops().get(reason, 0)

    def _watch(self, load, policy, began=None, until=None):
        """Prints the number of flows every half second until the load ends or is `until` seconds old; the series."""
        began = time.monotonic() if began is None else began
        self.narration.line("")
        self.narration.line("seconds  memcached    flows")
        series = []
        while load.process.running() and (until is None or time.monotonic() - began < until):
            used = self.sluice.flows_used()
            series.append((time.monotonic() - began, used))
            self.narration.line(f"{series[-1][0]:7.1f}  {policy:<9}  {used:7}  {'#' * min(60, used * 60 // (RATE * 6))}")
            time.sleep(0.5)
        return series


def _summary(report):
    return (f"{report['completed']} of {report['planned']} connections completed, {report['failed']} failed, "
            f"{report['timed_out']} timed out; half of them within {report['latency_us']['p50'] / 1000:.2f} ms")
