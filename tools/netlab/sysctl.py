"""System-wide settings that are changed for a while and put back, also after a crash."""

import fcntl
import json
from pathlib import Path

from netlab import leftovers
from netlab.processes import LabError


class SavedSysctl:
    """Sets a system-wide value within a `with` block.

    The value from before is written down first (see leftovers), so that the next run puts it back when this one is
    killed. Only one process at a time may change a setting: the second would take the first one's value for the
    original.
    """

    def __init__(self, path, value):
        self.path = Path(path)
        self.value = str(value)
        self.before = None
        self._lock = None
        self._record = None

    def __enter__(self):
        key = self.path.name
        leftovers.STATE.mkdir(parents=True, exist_ok=True)
        self._lock = open(leftovers.STATE / f"{key}.lock", "w", encoding="ascii")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise LabError(f"another run has changed {key} and will put it back: wait for its end") from None
        leftovers.sweep()
        self.before = self.path.read_text().strip()
        self._record = leftovers.state_folder() / "sysctl" / f"{key}.json"
        self._record.parent.mkdir(exist_ok=True)
        self._record.write_text(json.dumps({"path": str(self.path), "value": self.before}))
        try:
            self.path.write_text(self.value)
        except OSError as error:
            self.__exit__()
            raise LabError(f"cannot set {self.path} to {self.value}: {error.strerror}") from None
        return self

    def __exit__(self, *_):
        self.path.write_text(self.before)
        self._record.unlink(missing_ok=True)
        self._lock.close()
