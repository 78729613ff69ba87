"""The line between the engine and its API server, which either may find dead."""

import select
import socket
import time
from dataclasses import dataclass


@dataclass(slots=True)
class Link:
    """The engine's end; `alive` turns false once the API server is gone."""

    end: socket.socket
    alive: bool = True

    def listen(self, patience_s: float | None) -> list[str]:
        """Return the words of the messages that come in time; none where nobody is left."""
        if not self.alive:
            time.sleep(3600.0 if patience_s is None else patience_s)
            return []
        if not select.select([self.end], [], [], patience_s)[0]:
            return []
        try:
            words = self.end.recv(4096).decode().split()
        except ConnectionResetError:
            words = []
        self.alive = bool(words)
        return words

    def tell(self, message: str) -> None:
        """Send a message, if there still is somebody to hear it."""
        if self.alive:
            try:
                self.end.sendall(message.encode())
            except BrokenPipeError:
                self.alive = False
