import os
from collections.abc import Callable

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
    early_ns: list[int] = []

    def plan(after_ms: int) -> Callable[[], None]:
        def fire() -> None:
            fired.append(after_ms)
            early_ns.append(began_ns + after_ms * MS - now_ns())

        return fire

    for after_ms in (9, 2, 5):
        loop.call_at(began_ns + after_ms * MS, plan(after_ms))
    loop.call_at(began_ns + 1 * MS, plan(1)).cancel()
    run_until(loop, fired, 3)
    assert fired == [2, 5, 9]
    assert max(early_ns) <= 0


def test_an_exact_timer_is_never_early_either() -> None:
    loop, fired = Loop(), list[object]()
    due_ns = now_ns() + 3 * MS
    loop.call_exactly_at(due_ns, lambda: fired.append(now_ns() >= due_ns))
    run_until(loop, fired, 1)
    assert fired == [True]


def test_only_exact_timers_spin() -> None:
    def spun(*, exactly: bool) -> int:
        loop, done = Loop(), list[object]()
        call = loop.call_exactly_at if exactly else loop.call_at
        call(now_ns() + 3 * MS + 500_000, lambda: done.append(1))
        run_until(loop, done, 1)
        return loop.spun_ns

    # A busy host wakes some of them too late to spin, and not all.
    assert sum(spun(exactly=False) for _ in range(10)) < sum(spun(exactly=True) for _ in range(10))


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
