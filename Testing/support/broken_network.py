"""The network between two processes, which a test may cut and heal: a proxy of TCP connections."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_SECONDS_BETWEEN_LOOKS = 0.1


class Network:
    """Passes on what comes to ``address`` to a port of this machine, while it is whole.

    `cut` breaks all connections and refuses new ones; `stall` keeps them and passes nothing on, as when a cable is out
    or a switch starts anew; `heal` ends either.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._flows = threading.Event()
        self._flows.set()
        self._is_cut = False
        self._ends = False
        self._sockets: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._is_cut = True
        self._break_all()

    def stall(self) -> None:
        self._flows.clear()

    def heal(self) -> None:
        self._is_cut = False
        self._flows.set()

    def close(self) -> None:
        self._ends = True
        self._flows.set()
        # A listener that is only closed would go on accepting until its thread wakes.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._break_all()

    def _accept(self) -> None:
        while not self._ends:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._is_cut:
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self._port))
            except OSError:
                near.close()
                continue
            self.connections += 1
            self._sockets |= {near, far}
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                while not self._flows.wait(_SECONDS_BETWEEN_LOOKS):
                    pass
                target.sendall(data)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
            self._sockets.discard(each)

    def _break_all(self) -> None:
        for each in list(self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@contextmanager
def network_to(address: str) -> Iterator[Network]:
    """``address``: ``tcp://127.0.0.1:PORT``, where a process listens or will."""
    network = Network(int(address.rsplit(":", 1)[1]))
    try:
        yield network
    finally:
        network.close()
