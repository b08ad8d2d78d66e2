"""The admin socket, for tests that ask more of it than a sluicectl process for each request could."""

import json
import socket


class AdminError(Exception):
    """What the appliance answered instead of a result: code, message."""

    def __init__(self, error):
        super().__init__(error["message"])
        self.code = error["code"]


class Admin:
    """One connection, one request at a time; docs/admin_protocol.md has the methods. Use it in a `with` block."""

    def __init__(self, path, timeout=10.0):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile("r", encoding="utf-8")
        self._lines.readline()  # the hello
        self._number = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._lines.close()
        self._socket.close()

    def ask(self, method, **params):
        """The result; parts of a list are left out."""
        self._number += 1
        request = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        while True:
            answer = json.loads(self._lines.readline())
            if "error" in answer:
                raise AdminError(answer["error"])
            if "result" in answer:
                return answer["result"]
