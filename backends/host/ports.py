"""Who listens on a TCP port of this host, read from ``/proc``."""

import contextlib
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise, takewhile
from pathlib import Path

from backends.domain.address import reachable_host
from backends.domain.server import ProcessId
from backends.host import processes

LISTEN = "0A"
ROUTED_WITHIN_S = 1.0
"""The state of a listening socket in ``/proc/net/tcp`` (``TCP_LISTEN`` in the kernel)."""

WILDCARDS = ("0" * 8, "0" * 32)


@dataclass(frozen=True, slots=True)
class Listener:
    """One process that listens on a port; `process` is None where the kernel does not say who."""

    process: ProcessId | None
    name: str


@dataclass(frozen=True, slots=True)
class _Socket:
    address: str
    port: int
    inode: int


def is_listening(port: int) -> bool:
    """Tell whether anybody listens on `port`, on any address."""
    return any(found.port == port for found in _listening())


def is_free(host: str, port: int) -> bool:
    """Tell whether a server could bind this address now.

    A port that is bound and not yet listened on is taken: vLLM binds long before it serves.
    """
    with contextlib.closing(socket.socket()) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def owns(host: str, port: int, among: Iterable[processes.Process]) -> bool:
    """Tell whether a connection to `host` and `port` would be answered by one of these processes.

    False as well where somebody else shares the port: the kernel would pick either.
    """
    return bool(holders(host, port, among))


def holders(host: str, port: int, among: Iterable[processes.Process]) -> list[processes.Process]:
    """Return which of these processes would answer; none where anybody else might as well."""
    wanted = {found.inode for found in _answering(reachable_host(host), port)}
    held = [(process, _socket_inodes(process.id.pid) & wanted) for process in among]
    if not wanted or wanted != set().union(*(inodes for _, inodes in held)):
        return []
    return [process for process, inodes in held if inodes]


def listeners(port: int) -> tuple[Listener, ...]:
    """Return who listens on `port`; one unknown listener where other users' files are hidden."""
    wanted = {found.inode for found in _listening() if found.port == port}
    if not wanted:
        return ()
    found: list[Listener] = []
    seen: set[int] = set()
    for process in processes.running():
        held = _socket_inodes(process.id.pid) & wanted
        if held:
            found.append(Listener(process.id, processes.display_name(process)))
            seen |= held
    if wanted - seen:
        found.append(Listener(None, "a process of another user"))
    return tuple(found)


def ports_of(pid: int) -> tuple[int, ...]:
    """Return the ports a process listens on, in whichever network, lowest first.

    Empty where its files are hidden.
    """
    held = _socket_inodes(pid)
    return tuple(sorted({found.port for found in _listening(pid) if found.inode in held}))


def listen_on(port: int, among: Iterable[processes.Process]) -> bool:
    """Tell whether any of these processes listens on a port of its own network.

    By that network alone where their files are hidden: nobody else is in a container's.
    """
    members = list(among)
    if any(port in ports_of(one.id.pid) for one in members):
        return True
    hidden = (one for one in members if processes.are_files_hidden(one.id.pid))
    return any(port in ports_around(one.id.pid) for one in hidden)


def ports_around(pid: int) -> tuple[int, ...]:
    """Return the ports that anybody listens on in the network of a process, lowest first."""
    return tuple(sorted({found.port for found in _listening(pid)}))


def addresses_around(pid: int) -> tuple[str, ...]:
    """Return the addresses that the network of a process has, loopback excepted."""
    try:
        lines = Path(f"/proc/{pid}/net/fib_trie").read_text().splitlines()
    except OSError:
        return ()
    found = (
        before.split()[-1]
        for before, line in pairwise(lines)
        if line.strip().startswith("/32 host LOCAL")
    )
    return tuple(dict.fromkeys(one for one in found if not one.startswith("127.")))


def is_routed(host: str, port: int) -> bool:
    """Tell whether an address is reached from here, be it only to hear that nobody listens."""
    with contextlib.closing(socket.socket()) as probe:
        probe.settimeout(ROUTED_WITHIN_S)
        try:
            probe.connect((host, port))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return True


def shares_network(pid: int) -> bool | None:
    """Tell whether a process is in this process's network; None where it may not be seen."""
    try:
        return Path(f"/proc/{pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink()
    except OSError:
        return None


def _answering(host: str, port: int) -> list[_Socket]:
    """Return the sockets that take connections to this address: the exact one before wildcards."""
    on_port = [found for found in _listening() if found.port == port]
    addresses = _kernel_addresses(host)
    exact = [found for found in on_port if found.address in addresses]
    return exact or [found for found in on_port if found.address in WILDCARDS]


def _kernel_addresses(host: str) -> set[str]:
    """Return the addresses of a host name as ``/proc/net/tcp`` writes them, in host byte order."""
    addresses: set[str] = set()
    with contextlib.suppress(socket.gaierror):
        for family, _, _, _, target in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
            packed = socket.inet_pton(family, str(target[0]))
            words = struct.unpack(f"={len(packed) // 4}I", packed)
            addresses.add("".join(f"{word:08X}" for word in words))
    return addresses


def _listening(pid: int | str = "self") -> list[_Socket]:
    """Return the sockets that listen in the network of a process.

    The kernel lists those before all connections, of which a busy host has tens of thousands, so
    that nothing behind them is read. Source: Documentation/networking/proc_net_tcp.rst.
    """
    found: list[_Socket] = []
    for table in ("tcp", "tcp6"):
        # A kernel without IPv6 has no tcp6, and a process that ended has none of them.
        with contextlib.suppress(OSError), Path(f"/proc/{pid}/net/{table}").open() as lines:
            next(lines, None)  # the names of the columns
            rows = (line.split() for line in lines)
            found += [_socket(row) for row in takewhile(lambda row: row[3] == LISTEN, rows)]
    return found


def _socket(row: list[str]) -> _Socket:
    address, _, port = row[1].rpartition(":")
    return _Socket(address, int(port, 16), int(row[9]))


def _socket_inodes(pid: int) -> set[int]:
    inodes: set[int] = set()
    with contextlib.suppress(OSError):  # the process ended, or belongs to another user
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):  # this one file was closed meanwhile
                target = str(entry.readlink())
                if target.startswith("socket:["):
                    inodes.add(int(target[8:-1]))
    return inodes
