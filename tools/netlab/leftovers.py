"""The record of what this process has set up, and the removal of what a killed run left behind.

Each process that makes labs has a folder /run/sluice-netlab/<pid>/ with its identity, its temporary files and the
values of settings that it changed. Namespaces and DPDK file prefixes carry the same pid in their names. A folder whose
owner is gone is a leftover, and so is all that bears its pid.
"""

import fcntl
import json
import os
import re
import shutil
import signal
import sys
import time
from pathlib import Path

from netlab.processes import run

STATE = Path("/run/sluice-netlab")
_NAMESPACE = re.compile(r"^sl-(\d+)-\d+-\w+$")
_DPDK_RUNTIME = Path("/run/dpdk")
_HUGEPAGES = Path("/dev/hugepages")


def namespace_name(serial, role):
    """The name of a namespace of this process."""
    return f"sl-{os.getpid()}-{serial}-{role}"


def file_prefix(serial):
    """A DPDK --file-prefix of this process."""
    return f"sl-{os.getpid()}-{serial}"


def state_folder():
    """This process's folder, made when it is first asked for."""
    folder = STATE / str(os.getpid())
    if not (folder / "owner").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "owner").write_text(json.dumps({"pid": os.getpid(), "start_ticks": _start_ticks(os.getpid())}))
    return folder


def remove_state_folder():
    """To be called when nothing is left that it records."""
    shutil.rmtree(STATE / str(os.getpid()), ignore_errors=True)


def sweep():
    """Removes what processes that are gone left behind, and says so. Must come before settings are read and saved."""
    STATE.mkdir(parents=True, exist_ok=True)
    with open(STATE / "sweep.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for line in _sweep():
            print(line, file=sys.stderr)


def _sweep():
    done = []
    gone = set()
    for folder in STATE.iterdir():
        if folder.name.isdigit() and not _owner_lives(folder):
            gone.add(int(folder.name))
    names = _namespaces()
    for name in names:
        pid = int(_NAMESPACE.match(name)[1])
        if not (STATE / str(pid)).is_dir() and _start_ticks(pid) is None:
            gone.add(pid)
    for pid in sorted(gone):
        done += _remove_all_of(pid, names)
    return done


def remove_namespace(name):
    """Ends all processes in a namespace and deletes it. Its veth interfaces go with it."""
    _end_processes(name)
    for claim in _claims(name):
        claim.unlink(missing_ok=True)
    run(["ip", "netns", "delete", name], check=False)


def appliance_files(namespace, prefix, socket):
    """What exists of a sluiced in that namespace, with that file prefix and socket: the socket, hugepage files, the
    runtime folder, the claims on interfaces."""
    pages = sorted(_HUGEPAGES.glob(f"{prefix}map_*")) if _HUGEPAGES.is_dir() else []
    return [path for path in (Path(socket), *pages, _DPDK_RUNTIME / prefix, *_claims(namespace)) if os.path.lexists(path)]


def _claims(namespace):
    """The lock files with which sluiced claims interfaces of a namespace (lib/dpdk/interface_claim)."""
    try:
        inode = os.stat(f"/run/netns/{namespace}").st_ino
    except OSError:
        return []
    return sorted(_DPDK_RUNTIME.glob(f"sluice-{inode}-*.lock"))


def remove_dpdk_files(prefix):
    """Removes what a DPDK process that did not exit by itself leaves: hugepage files and its runtime folder."""
    if _HUGEPAGES.is_dir():
        for page in _HUGEPAGES.glob(f"{prefix}map_*"):
            page.unlink(missing_ok=True)
    shutil.rmtree(_DPDK_RUNTIME / prefix, ignore_errors=True)


def _remove_all_of(pid, names):
    done = []
    for name in names:
        if int(_NAMESPACE.match(name)[1]) == pid:
            remove_namespace(name)
            done.append(f"removed namespace {name} of a run that was killed")
    folder = STATE / str(pid)
    for saved in folder.glob("sysctl/*.json"):
        setting = json.loads(saved.read_text())
        Path(setting["path"]).write_text(setting["value"])
        done.append(f"set {setting['path']} back to {setting['value']}")
    prefixes = {entry.name for entry in _DPDK_RUNTIME.glob(f"sl-{pid}-*")}
    prefixes |= {page.name.split("map_")[0] for page in _HUGEPAGES.glob(f"sl-{pid}-*map_*")}
    for prefix in prefixes:
        remove_dpdk_files(prefix)
        done.append(f"removed DPDK files of {prefix}")
    shutil.rmtree(folder, ignore_errors=True)
    return done


def _namespaces():
    lines = run(["ip", "netns", "list"]).stdout.splitlines()
    return [name for name in (line.split()[0] for line in lines if line.strip()) if _NAMESPACE.match(name)]


def _end_processes(name):
    for number, patience in ((signal.SIGTERM, 1.0), (signal.SIGKILL, 2.0)):
        deadline = time.monotonic() + patience
        pids = _pids_in(name)
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        while pids and time.monotonic() < deadline:
            time.sleep(0.02)
            pids = _pids_in(name)
        if not pids:
            return


def _pids_in(name):
    listed = run(["ip", "netns", "pids", name], check=False)
    # Never ourselves, should somebody run this inside of a lab's namespace.
    return [int(pid) for pid in listed.stdout.split() if int(pid) != os.getpid()]


def _owner_lives(folder):
    try:
        owner = json.loads((folder / "owner").read_text())
    except (OSError, ValueError):
        return _start_ticks(int(folder.name)) is not None
    return owner["start_ticks"] == _start_ticks(owner["pid"])


def _start_ticks(pid):
    """When a process began (proc(5), field 22), which with its pid identifies it; None when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return int(stat.rsplit(")", 1)[1].split()[19])
