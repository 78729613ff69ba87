import os

from backends.prober.clock import NS, now_ns
from backends.prober.loop import READABLE, Loop

MS = 1_000_000


def run_until(loop: Loop, done: list[object], number: int) -> None:
    loop.call_at(now_ns() + 5 * NS, lambda: done.extend(["deadline"] * number))
    loop.run(lambda: len(done) >= number)
    loop.close()
    assert "deadline" not in done


def test_timers_in_order_and_never_early() -> None:
    loop, fired = Loop(), list[object]()
    began_ns = now_ns()
    times_ns: list[int] = []

    def at(name: str) -> None:
        fired.append(name)
        times_ns.append(now_ns() - began_ns)

    loop.call_at(began_ns + 9 * MS, lambda: at("late"))
    loop.call_exactly_at(began_ns + 5 * MS, lambda: at("exact"))
    loop.call_at(began_ns + 2 * MS, lambda: at("early"))
    cancelled = loop.call_at(began_ns + 1 * MS, lambda: at("cancelled"))
    cancelled.cancel()
    run_until(loop, fired, 3)
    assert fired == ["early", "exact", "late"]
    assert all(at >= due * MS for at, due in zip(times_ns, (2, 5, 9), strict=True))


def test_only_exact_timers_spin() -> None:
    coarse, exact = Loop(), Loop()
    done: list[object] = []
    coarse.call_at(now_ns() + 3 * MS + 500_000, lambda: done.append(1))
    run_until(coarse, done, 1)
    exact.call_exactly_at(now_ns() + 3 * MS + 500_000, lambda: done.append(2))
    run_until(exact, done, 2)
    assert coarse.spun_ns < exact.spun_ns


def test_what_arrives_comes_before_what_was_deferred() -> None:
    reading, writing = os.pipe()
    loop, seen = Loop(), list[object]()

    def read(_mask: int) -> None:
        seen.append(os.read(reading, 1))
        if len(seen) == 3:
            loop.forget(reading)

    os.write(writing, b"abc")
    loop.defer(lambda: seen.append("deferred"))
    loop.watch(reading, READABLE, read)
    run_until(loop, seen, 4)
    os.close(reading)
    os.close(writing)
    assert seen == [b"a", b"b", b"c", "deferred"]
