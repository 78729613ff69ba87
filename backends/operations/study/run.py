"""Runs what is missing of a study, step by step, and puts the finished steps together."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from backends.domain.reports.load import LoadReport, from_samples
from backends.domain.study.study import (
    SCHEMA,
    NotMeasured,
    StepTime,
    Study,
)
from backends.operations.study.folder import StudyFolder
from backends.operations.study.measure import Measuring, measure_of
from backends.operations.study.plan import Step, StudyOrder, together_s
from backends.problem import Problem
from backends.wire import typed


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a study is.

    Attributes:
        number: of the step that runs, from 1; `of` are all.
        detail: what the step is at, a few words.
        began_s: when the step began, on the monotonic clock.
        later_s: what is expected of the steps behind it.
    """

    step: Step
    number: int
    of: int
    detail: str
    began_s: float
    later_s: float

    def left_s(self, now_s: float) -> float:
        """Return what is expected from now on, in seconds."""
        return max(0.0, self.step.expected_s - (now_s - self.began_s)) + self.later_s


TIME_IS_OVER = "the agreed time limit was reached at {at}; the same command measures the rest"

Tell = Callable[[Progress], None]


async def run_missing(of: Measuring, steps: Sequence[Step], tell: Tell) -> list[NotMeasured]:
    """Measure every step that is not finished, and return those that gave nothing, with reasons.

    A finished step is on the disk before the next begins, and is never measured again. One that
    failed is measured again by the next call.

    Raises:
        Problem: a finished step cannot be read, or the time of all together (`together_s`) is over.
        OSError: one cannot be written.
    """
    done, failed = of.folder.finished(), list[NotMeasured]()
    ends_s = time.monotonic() + together_s([step for step in steps if step.name not in done])
    for place, step in enumerate(steps):
        if step.name in done:
            continue
        began_s, began_wall_s = time.monotonic(), of.host.now().wall_s
        later_s = sum(each.expected_s for each in steps[place + 1 :] if each.name not in done)
        at = Progress(step, place + 1, len(steps), "", began_s, later_s)
        tell(at)
        measure, _ = measure_of(step.name, of.order)
        within_s = min(step.most_s, ends_s - began_s)
        try:
            async with asyncio.timeout(within_s):
                result = await measure(replace(of, detail=partial(_advanced, tell, at)))
        except TimeoutError:
            if within_s < step.most_s:
                raise Problem(TIME_IS_OVER.format(at=step.title)) from None
            reason = f"it did not finish within {step.most_s:.0f} s"
            failed.append(NotMeasured(step.title, reason))
        except Problem as problem:
            failed.append(NotMeasured(step.title, str(problem)))
        else:
            of.folder.keep(step.name, began_wall_s, of.host.now().wall_s, result)
            steps = _as_long_as(steps, step, time.monotonic() - began_s)
    return failed


def _advanced(tell: Tell, at: Progress, words: str) -> None:
    tell(replace(at, detail=words))


def _as_long_as(steps: Sequence[Step], ended: Step, took_s: float) -> Sequence[Step]:
    """Expect of the next start what this one took."""
    if not ended.name.startswith("start-"):
        return steps
    return [
        replace(step, expected_s=took_s) if step.name.startswith("start-") else step
        for step in steps
    ]


def study_of(order: StudyOrder, folder: StudyFolder, failed: Sequence[NotMeasured]) -> Study:
    """Return the study of all finished steps.

    Raises:
        Problem: one of them cannot be read.
    """
    records = folder.finished()
    results = {name: _result(name, record, order) for name, record in records.items()}
    times = tuple(
        StepTime(name, record["began_wall_s"], record["ended_wall_s"])
        for name, record in records.items()
    )
    starts = tuple(
        results[name] for name in sorted(results, key=_number) if name.startswith("start-")
    )
    versions, hardware = order.versions, order.hardware
    if readings := results.get("memory"):
        # Host memory counts as a GPU only once a server computes on the CPU.
        kinds = tuple(each.kind for each in readings)
        hardware = replace(hardware, gpus=kinds, gpus_reason="")
    if starts:
        versions = replace(versions, vllm=starts[-1].start.vllm_version)
    found: dict[str, Any] = {name: results.get(name) for name in ("traffic", "idle")}
    return Study(
        schema=SCHEMA,
        study_id=order.study_id,
        quick=order.quick,
        simulated=order.simulated,
        began_wall_s=order.began_wall_s,
        ended_wall_s=max((each.ended_wall_s for each in times), default=order.began_wall_s),
        hardware=hardware,
        versions=versions,
        server=order.server_side,
        endpoint=order.endpoint_side,
        ttft_limit_s=order.ttft_limit_s,
        itl_limit_s=order.itl_limit_s,
        starts=starts,
        warm=results.get("medium"),
        lengths=tuple((name, results[name]) for name in ("short", "long") if name in results),
        load=results.get("capacity"),
        gpus=results.get("memory", ()),
        steps=times,
        not_measured=(*failed, *_never_measured(order)),
        **found,
    )


def _result(name: str, record: Mapping[str, Any], order: StudyOrder) -> Any:
    try:
        found = typed(record["result"], measure_of(name, order)[1])
        # Samples are kept rounded, and every figure is made of the rounded ones.
        return from_samples(found) if isinstance(found, LoadReport) else found
    except (KeyError, ValueError) as error:
        raise Problem(
            f"step {name} of study {order.study_id} cannot be read ({error}); begin a new one"
            " with --again"
        ) from error


def _number(name: str) -> int:
    return int(name.rpartition("-")[2]) if name.startswith("start-") else 0


def _never_measured(order: StudyOrder) -> tuple[NotMeasured, ...]:
    """Return what no study of this kind tells, whatever it measures."""
    left_open = [
        NotMeasured(
            "capacity at short and long replies",
            "the load is raised with one length of reply, the medium one",
        ),
        NotMeasured(
            "the endpoint's own cold start, and its capacity",
            "both are the provider's; the idle probe shows what a client sees of the first",
        ),
        NotMeasured(
            "the quality of the answers", "lengths are compared, what the texts say is not"
        ),
    ]
    if not order.sizes.starts:
        reason = "the server was measured as it ran, none was asked for"
        left_open.insert(0, NotMeasured("cold starts", reason))
    return tuple(left_open)
