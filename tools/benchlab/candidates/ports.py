"""The two ports through which a trace comes to a candidate, as DPDK devargs.

`replay`  net_pcap ports of the candidate's own, which replay their files from memory for ever
`vhost`   the same ports in a dpdk-testpmd on the other core, which moves their frames through virtio-user and takes back
          what comes: for candidates whose own buffers do not hold the trace
`memif, generator`, `vhost, generator`   ports at whose other ends tools/traffic plays both sides
"""

import shlex

from benchlab import machine
from benchlab.candidates.base import dpdk_prefix, program
from netlab.processes import Process

_SMALL_FRAME = 128     # bytes that a buffer for a large trace has room for
_LARGE_TRACE = 1 << 20
_EXTRA_BUFFERS = 16_384
_HEADROOM = 128
_BUFFER_OVERHEAD = 128 + _HEADROOM + 64 + 64  # rte_mbuf, headroom, the pool's header, padding
PRIORITY = 20


def replay_devices(trace, queues=1):
    """Devargs of two ports that replay a trace, all of it in each queue; one without a file only sends."""
    return [f"net_pcap{number}" + f",rx_pcap={path}" * queues + ",infinite_rx=1" if path else f"net_null{number},no-rx=1"
            for number, path in enumerate(trace.files)]


def buffers(trace):
    """Packet buffers for the trace, if there is one, and what is under way."""
    return (trace.packets if trace else 0) + _EXTRA_BUFFERS


def buffer_size(trace):
    """Bytes of frame in each; 0: as by default. Millions of them have to be small to fit into memory."""
    return _SMALL_FRAME if trace and trace.packets >= _LARGE_TRACE else 0


def memory_size(packets):
    """Bytes of hugepages that a replayed trace of so many packets takes."""
    size = _SMALL_FRAME if packets >= _LARGE_TRACE else 2048
    return (packets + _EXTRA_BUFFERS) * (size + _BUFFER_OVERHEAD)


def testpmd(job, stack, devices, cpu, buffer_count, frame_size, spawn=None):
    """Starts dpdk-testpmd that forwards between the ports 0 and 1, 2 and 3 …; (Process, file prefix)."""
    prefix = stack.enter_context(dpdk_prefix())
    path = program("dpdk-testpmd")
    command = [path, "-l", f"{machine.spare_cpu(cpu)},{cpu}", "--no-pci", "--file-prefix", prefix,
               "--single-file-segments", *[f"--vdev={device}" for device in devices], "--", "--forward-mode=io",
               "--nb-cores=1", "--auto-start", "--no-lsc-interrupt", f"--total-num-mbufs={buffer_count}"]
    if frame_size:
        command += [f"--mbuf-size={frame_size + _HEADROOM}", f"--max-pkt-len={frame_size}"]
    keyboard = job.new_path("testpmd.in")
    # It ends when its standard input does, so that gets a writer: itself.
    script = (f"mkfifo {shlex.quote(str(keyboard))}; exec stdbuf -o0 {shlex.join(map(str, command))} "
              f"0<>{shlex.quote(str(keyboard))}")
    start = spawn or (lambda *words: Process(words, log=job.new_path("testpmd.log"), name="dpdk-testpmd",
                                             priority=PRIORITY))
    process = start("/bin/sh", "-c", script)
    stack.callback(process.stop, 5.0)
    process.wait_for_words("Press enter to exit", timeout=60.0)
    return process, prefix


def prepare(way, job, stack, queues=1):
    """Devargs of the clients' port and the servers', by the way that the candidate asks for, and a function that lets the
    traffic in: to be called once the candidate has opened them."""
    if way == "replay":
        return replay_devices(job.trace, queues), lambda: None
    kind, _, fed = way.partition(", ")
    job.sockets[:] = [job.new_path(f"{kind}.sock") for _ in range(2)]
    devices, ends = zip(*(_joined(kind, number, path) for number, path in enumerate(job.sockets)))
    job.ends[:] = ends

    def feed():
        both = [device for replay, end in zip(replay_devices(job.trace), ends) for device in (replay, end)]
        testpmd(job, stack, both, machine.spare_cpu(job.options.cpu), buffers(job.trace), buffer_size(job.trace))
    return list(devices), lambda: None if fed == "generator" else feed()


def _joined(kind, number, socket):
    """Devargs of a candidate's port, and of the port at its other end in another process, over a socket."""
    if kind == "vhost":
        return (f"net_vhost{number},iface={socket},client=1",
                f"net_virtio_user{number},path={socket},server=1,queue_size=1024")
    return tuple(f"net_memif{number},role={role},socket={socket},socket-abstract=no,rsize=11" for role in ("server", "client"))
