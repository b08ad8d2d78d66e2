"""Open vSwitch over DPDK, one PMD thread, in a database, a run directory and a namespace of its own."""

import re
from pathlib import Path

from benchlab import machine, rules
from benchlab.candidates import ports
from benchlab.candidates.base import Candidate, CannotDo, Running, dpdk_prefix, next_serial, program
from netlab import Namespace
from netlab.processes import run

_DAEMON = Path("/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk")
_SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
_BRIDGE = "sl-bench"
# Buffers of all ports together, in the pool that they share; the daemon has no word for more.
_POOL = 262_144


class _Daemon(Running):
    threads = "pmd-"

    def __init__(self, process, control, tracked):
        self._process = process
        self._control = control
        self._tracked = tracked

    def appctl(self, *words):
        """What ovs-appctl says."""
        return run(["ovs-appctl", "-t", self._control, *words]).stdout

    def _packets(self, way):
        shown = self.appctl("dpctl/show", "-s", "netdev@ovs-netdev")
        return sum(int(count) for port in re.split(r"^  port ", shown, flags=re.MULTILINE) if "(dpdk" in port.splitlines()[0]
                   for count in re.findall(way + r" packets:(\d+)", port))

    def forwarded(self):
        return self._packets("TX")

    def pid(self):
        return self._process.pid

    def facts(self):
        received, sent = self._packets("RX"), self._packets("TX")
        flows = {"flows": int(self.appctl("dpctl/ct-get-nconns"))} if self._tracked else {}
        return {"+received": received, "+dropped": received - sent, **flows}


class OpenVswitch(Candidate):
    """The netdev datapath, with the rules as an ACL's author would write them: over ct() or without."""

    def __init__(self, name, tracked, protocol="udp", way="replay"):
        super().__init__(name)
        self.tracked = tracked
        self.protocol = protocol
        self.way = way

    def start(self, job, stack):
        for path in (_DAEMON, _SCHEMA):
            if not path.exists():
                raise CannotDo("openvswitch-switch-dpdk is not installed: run sudo tools/setup")
        if self.way == "replay" and ports.buffers(job.trace) > _POOL:
            raise CannotDo(f"its ports share {_POOL} buffers, the trace has {job.trace.packets} frames")
        devices, feed = ports.prepare(self.way, job, stack)
        folder = job.new_path("ovs")
        folder.mkdir()
        namespace = Namespace(next_serial(), "ovs", folder)
        stack.callback(namespace.remove)
        prefix = stack.enter_context(dpdk_prefix())
        socket = self._start_database(namespace, folder)
        process, control = self._start_daemon(job, namespace, folder, socket, prefix)
        self._add_bridge(job, folder, socket, devices)
        running = _Daemon(process, control, self.tracked)
        if self.tracked:
            running.appctl("dpctl/ct-set-maxconns", str(job.workload.table))
            if job.workload.ovs_timeouts:
                self._vsctl(socket, "--", "--id=@m", "create", "Datapath", "datapath_version=0", "--", "set", "Open_vSwitch",
                            ".", "datapaths:netdev=@m")
                self._vsctl(socket, "add-zone-tp", "netdev", "zone=1", *job.workload.ovs_timeouts)
        feed()
        return running

    def _vsctl(self, socket, *words):
        return run([program("ovs-vsctl"), f"--db=unix:{socket}", "--timeout=60", *words], timeout=70)

    def _start_database(self, namespace, folder):
        database, socket = folder / "conf.db", folder / "db.sock"
        run([program("ovsdb-tool"), "create", database, _SCHEMA])
        process = namespace.spawn("ovsdb-server", database, f"--remote=punix:{socket}", f"--pidfile={folder / 'db.pid'}",
                                  f"--unixctl={folder / 'db.ctl'}")
        process.wait_until(socket.exists, 10.0, "the database's socket")
        self._vsctl(socket, "--no-wait", "init")
        return socket

    def _start_daemon(self, job, namespace, folder, socket, prefix):
        spare = machine.spare_cpu(job.options.cpu)
        self._vsctl(socket, "--no-wait", "set", "Open_vSwitch", ".", "other_config:dpdk-init=true",
                    f"other_config:pmd-cpu-mask={1 << job.options.cpu:#x}", f"other_config:dpdk-lcore-mask={1 << spare:#x}",
                    f"other_config:dpdk-extra=\"--no-pci --file-prefix {prefix}\"")
        control = folder / "vswitchd.ctl"
        environment = ["env", *(f"OVS_{name}DIR={folder}" for name in ("RUN", "DB", "LOG"))]
        process = namespace.spawn(*environment, _DAEMON, f"unix:{socket}", f"--pidfile={folder / 'vswitchd.pid'}",
                                  f"--unixctl={control}", name="ovs-vswitchd", priority=ports.PRIORITY)
        process.wait_until(control.exists, 30.0, "the daemon's socket")
        return process, control

    def _add_bridge(self, job, folder, socket, devices):
        # Ports come last: under full load, from replay ports, ten thousand flows take it minutes.
        self._vsctl(socket, "add-br", _BRIDGE, "--", "set", "bridge", _BRIDGE, "datapath_type=netdev", "fail-mode=secure")
        flows = folder / "flows"
        flows.write_text(rules.as_openflow(job.workload.rules, self.protocol, self.tracked, 1, 2))
        run([program("ovs-ofctl"), "add-flows", f"unix:{folder / (_BRIDGE + '.mgmt')}", flows], timeout=60)
        words = []
        for number, name in enumerate(("clients", "servers")):
            port = ["type=dpdkvhostuserclient", f"options:vhost-server-path={job.sockets[number]}"] if job.sockets else \
                ["type=dpdk", f"options:dpdk-devargs=\"{devices[number]}\""]
            words += ["--", "add-port", _BRIDGE, name, "--", "set", "Interface", name, f"ofport_request={number + 1}", *port]
        self._vsctl(socket, *words)
        shown = self._vsctl(socket, "--columns=name,error", "list", "Interface", "clients", "servers").stdout
        errors = [line for line in shown.splitlines() if line.startswith("error") and not line.rstrip().endswith("[]")]
        if errors:
            raise CannotDo(f"it does not take the ports: {errors[0].split(':', 1)[1].strip()}")
