"""TLS over bytes that the caller moves, so that the timestamps of the raw socket remain."""

import ssl

LARGEST_RECORD = 32 * 1024


class Tls:
    """The client's side of one TLS connection.

    Every method may raise `ssl.SSLError`.
    """

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._layer = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    def shake_hands(self, data: bytes) -> bool:
        """Take bytes of the peer; return whether the handshake is done. See `pending`."""
        self._incoming.write(data)
        try:
            self._layer.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def pending(self) -> bytes:
        """Return what has to be sent now."""
        return self._outgoing.read()

    def speaks_http_1(self) -> bool:
        """Whether HTTP/1.1 was agreed on, or nothing."""
        return self._layer.selected_alpn_protocol() in (None, "http/1.1")

    def encrypt(self, data: bytes) -> bytes:
        """Return plain bytes as they go over the wire."""
        self._layer.write(data)
        return self._outgoing.read()

    def decrypt(self, data: bytes) -> tuple[bytes, bool]:
        """Return what bytes of the peer say, and whether the peer closed."""
        self._incoming.write(data)
        plain = []
        try:
            while part := self._layer.read(LARGEST_RECORD):
                plain.append(part)
        except ssl.SSLWantReadError:
            return b"".join(plain), False
        except ssl.SSLZeroReturnError:
            pass
        return b"".join(plain), True
