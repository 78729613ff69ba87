"""Who holds a port."""

import os
import socket
import subprocess
import sys
import tracemalloc
from contextlib import ExitStack

import pytest

from backends.domain.address import reachable_host
from backends.domain.server import ProcessId
from backends.host import ports, processes
from backends.host.processes import Process


def _own() -> Process:
    own = processes.read(os.getpid())
    assert own is not None
    return own


def _listening(host: str, port: int = 0) -> socket.socket:
    return socket.create_server((host, port))


def test_a_listener_is_named_with_its_process() -> None:
    with _listening("127.0.0.1") as server:
        port = server.getsockname()[1]
        assert [one.process for one in ports.listeners(port)] == [_own().id]
        assert port in ports.ports_of(os.getpid())
        assert ports.owns("127.0.0.1", port, [_own()])
        assert not ports.owns("127.0.0.1", port, [])
    assert ports.listeners(port) == ()
    assert not ports.is_listening(port)


def test_a_socket_that_only_connects_is_no_listener() -> None:
    with (
        _listening("127.0.0.1") as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert not ports.is_listening(client.getsockname()[1])


def test_a_look_takes_no_more_memory_on_a_host_with_many_connections() -> None:
    with ExitStack() as open_until_the_end, _listening("127.0.0.1") as server:
        port = server.getsockname()[1]
        for _ in range(300):
            open_until_the_end.enter_context(socket.create_connection(server.getsockname()))
            open_until_the_end.enter_context(server.accept()[0])
        tracemalloc.start()
        try:
            assert ports.is_listening(port)
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak_bytes < 150_000


@pytest.mark.parametrize("bound", ["0.0.0.0", "127.0.0.1"])
def test_a_wildcard_answers_for_every_address(bound: str) -> None:
    with _listening(bound) as server:
        port = server.getsockname()[1]
        assert ports.owns(reachable_host(bound), port, [_own()])
        assert ports.owns("127.0.0.3", port, [_own()]) is (bound == "0.0.0.0")


def test_ipv6_is_read_too() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        assert ports.owns("::1", server.getsockname()[1], [_own()])
        assert not ports.owns("127.0.0.1", server.getsockname()[1], [_own()])


def test_a_foreign_listener_on_the_exact_address_wins_over_our_wildcard() -> None:
    code = (
        "import socket, sys; s = socket.socket(); s.setsockopt(1, 15, 1);"
        "s.bind(('127.0.0.1', int(sys.argv[1]))); s.listen(); print(); sys.stdin.read()"
    )
    with socket.socket() as ours:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        ours.bind(("0.0.0.0", 0))
        ours.listen()
        port = ours.getsockname()[1]
        assert ports.owns("127.0.0.1", port, [_own()])
        with subprocess.Popen(
            [sys.executable, "-c", code, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as foreign:
            assert foreign.stdout is not None
            assert foreign.stdout.readline() == b"\n"
            assert not ports.owns("127.0.0.1", port, [_own()])
            assert {one.process for one in ports.listeners(port)} == {
                _own().id,
                processes.identity(foreign.pid),
            }
            foreign.communicate()


def test_what_another_user_holds_is_unknown_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    with _listening("127.0.0.1") as server:
        monkeypatch.setattr(ports, "_socket_inodes", lambda pid: set())
        assert ports.listeners(server.getsockname()[1]) == (
            ports.Listener(None, "a process of another user"),
        )


def test_the_identity_of_a_listener_is_complete() -> None:
    with _listening("127.0.0.1") as server:
        (listener,) = ports.listeners(server.getsockname()[1])
        assert isinstance(listener.process, ProcessId)
        assert processes.is_alive(listener.process)
