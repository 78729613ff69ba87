"""Studies made of drawn parameters, beside the true figures that they were made of."""

import math
import random
from dataclasses import replace
from datetime import date
from decimal import Decimal
from statistics import NormalDist

from backends.domain.ab.cold import ColdProbe, ColdProbePlan, limits_of
from backends.domain.ab.facts import SeriesBegan
from backends.domain.ab.load import LoadLimits, LoadStep, judge, next_rate, summarise_load
from backends.domain.ab.run import Run, TargetName
from backends.domain.ab.series import AbSeries
from backends.domain.durations import HOUR_S
from backends.domain.gpu import GpuMemory
from backends.domain.prices.cost import RequestPrices
from backends.domain.reports.cold_probe import ColdProbeReport
from backends.domain.reports.load import LoadReport
from backends.domain.stamp import Stamp
from backends.domain.start import Outcome, Phase, PhaseName, Start, StartMemory
from backends.domain.study.study import (
    SCHEMA,
    ColdStartSample,
    EndpointSide,
    GpuKind,
    GpuReading,
    Hardware,
    NotMeasured,
    ServerSide,
    StepTime,
    Study,
    Versions,
)

PHASES = (
    PhaseName.LAUNCH,
    PhaseName.LOAD_WEIGHTS,
    PhaseName.COMPILE,
    PhaseName.CAPTURE_GRAPHS,
    PhaseName.FIRST_TOKEN,
)
PRICES = RequestPrices(Decimal("0.10"), Decimal("0.70"))
USD_PER_HOUR = Decimal("1.88")
LIMIT_S = 1.0


def world(seed: int, *, starts: int = 3, runs: int = 20) -> tuple[Study, dict[str, float]]:
    """Return a study whose samples were drawn, and what each figure would be without chance."""
    chance = random.Random(seed)
    truth: dict[str, float] = {}
    study = replace(
        _frame(seed),
        starts=_starts(chance, starts, truth),
        warm=_series(chance, "medium", 220, runs, truth),
        lengths=(
            ("short", _series(chance, "short", 30, 5, truth)),
            ("long", _series(chance, "long", 1200, 5, truth)),
        ),
        load=_load(chance),
        idle=_idle(chance),
    )
    return study, truth


def _frame(seed: int) -> Study:
    began_s = 1_790_000_000.0
    return Study(
        schema=SCHEMA,
        study_id=f"drawn-{seed}",
        quick=False,
        simulated=True,
        began_wall_s=began_s,
        ended_wall_s=began_s + 900,
        hardware=Hardware((GpuKind("MI300X", "amd", 192 * 2**30),), "", "a CPU", 8, 2**35),
        versions=Versions("0.1.0", "3.12.1", "6.1", "0.32.0"),
        server=ServerSide(
            "mine",
            "openai/gpt-oss-120b",
            ("--max-model-len", "8192"),
            (),
            USD_PER_HOUR,
            date(2026, 11, 1),
        ),
        endpoint=EndpointSide("api", "openai/gpt-oss-120b", PRICES, date(2026, 11, 1), "its page"),
        ttft_limit_s=LIMIT_S,
        itl_limit_s=None,
        gpus=(
            GpuReading(
                0,
                GpuKind("MI300X", "amd", 192 * 2**30),
                GpuMemory(192 * 2**30, 173 * 2**30, None, False, "stub"),
            ),
        ),
        steps=(StepTime("start-1", began_s, began_s + 600),),
        not_measured=(NotMeasured("own traffic", "none was recorded"),),
    )


def _starts(
    chance: random.Random, number: int, truth: dict[str, float]
) -> tuple[ColdStartSample, ...]:
    means = {name: chance.uniform(0.5, 30.0) for name in PHASES}
    noise = {name: mean * chance.uniform(0.005, 0.05) for name, mean in means.items()}
    truth |= {f"cold_start.phase.{name}_s": mean for name, mean in means.items()}
    truth["cold_start.first_token_s"] = sum(means.values())
    found = []
    for place in range(number):
        at, phases = 0.0, list[Phase]()
        for name, mean in means.items():
            took = max(0.0, chance.gauss(mean, noise[name]))
            phases.append(Phase(name, at, took))
            at += took
        start = Start(
            f"start-{place}",
            "0.32.0",
            "openai/gpt-oss-120b",
            Outcome.READY,
            at,
            at - phases[-1].duration_s if phases[-1].duration_s else at,
            at,
            tuple(phases),
            memory=StartMemory(68.0, 100.2, 1_459_872, 11.1, 0.9),
        )
        found.append(ColdStartSample(start, "hit", 1.0))
    return tuple(found)


def _series(
    chance: random.Random, length: str, tokens: int, runs: int, truth: dict[str, float]
) -> AbSeries:
    prefix = "warm" if length == "medium" else f"length.{length}"
    made, input_tokens = list[Run](), chance.randint(60, 160)
    for side, target in (("server", "a"), ("endpoint", "b")):
        middle, width = chance.uniform(0.05, 0.6), chance.uniform(0.01, 0.4)
        speed = chance.uniform(40.0, 200.0)
        truth[f"{prefix}.{side}.ttft_s"] = middle
        truth[f"{prefix}.{side}.output_tokens_per_s"] = speed
        name: TargetName = "a" if target == "a" else "b"
        for index in range(runs):
            made.append(_run(chance, name, index, (middle, width, speed), (input_tokens, tokens)))
    if length == "medium":
        shift = truth["warm.endpoint.ttft_s"] - truth["warm.server.ttft_s"]
        truth["warm.difference.ttft_s"] = shift
    usd = PRICES.cost(input_tokens, tokens)
    assert usd is not None
    truth[f"crossover.{length}_rps"] = float(USD_PER_HOUR / (HOUR_S * usd))
    chance.shuffle(made)
    began = SeriesBegan(
        Stamp(0.0, 1_790_000_000.0),
        f"series-{length}",
        (("a", "mine"), ("b", "api")),
        runs,
        ("openai/gpt-oss-120b", "openai/gpt-oss-120b"),
        max_tokens=tokens,
        temperature=0.0,
        ignore_eos=True,
    )
    return AbSeries(began, tuple(made), ended=True)


def _run(
    chance: random.Random,
    target: TargetName,
    index: int,
    pace: tuple[float, float, float],
    tokens: tuple[int, int],
) -> Run:
    middle, width, speed = pace
    ttft_s = middle * math.exp(chance.gauss(0.0, width))
    # The median over runs is the true speed, whatever the spread of each.
    each_s = math.exp(chance.gauss(0.0, 0.02)) / speed
    cost = PRICES.cost(*tokens) if target == "b" else None
    return Run(
        target,
        index,
        ttft_s,
        ttft_s,
        (each_s,) * (min(tokens[1], 30) - 1),
        ttft_s + each_s * (tokens[1] - 1),
        *tokens,
        finish_reason="length",
        rtt_s=0.0003,
        cost_usd=None if cost is None else format(cost, "f"),
        clock="kernel",
        answered_model="openai/gpt-oss-120b",
    )


def _load(chance: random.Random) -> LoadReport:
    carries = chance.uniform(2.0, 20.0)
    steps: list[LoadStep] = []
    while (rate := next_rate(steps, 1.0, 1.5)) is not None:
        wait_s = 0.2 if rate < carries else 3.0
        runs = [
            Run("a", index, wait_s, wait_s, (0.01,), wait_s + 2, 80, 220) for index in range(99)
        ]
        steps.append(judge(rate, runs, 20.0, LoadLimits(LIMIT_S), concurrency=8))
    return LoadReport(
        "load-1", "mine", "m", 1_790_000_300.0, 220, "0" * 64, LIMIT_S, None,
        summarise_load(steps, "the limit is found", None),
    )  # fmt: skip


def _idle(chance: random.Random) -> ColdProbeReport:
    plan = ColdProbePlan((60.0, 300.0), 3)
    plan = replace(plan, limits=limits_of(plan, Decimal("0.00002")))
    waits = [None, *[0.0] * 10, *[gap for gap in plan.gaps_s for _ in range(3)]]
    probes = tuple(
        ColdProbe(
            wait, wait, 1_790_000_400.0 + place, chance.uniform(0.5, 0.7), None, 12, "0.00001"
        )
        for place, wait in enumerate(waits)
    )
    return ColdProbeReport("probe-1", "api", "m", 1_790_000_400.0, plan, probes, PRICES)


def normal_sample(seed: int, size: int, mean: float = 0.0, deviation: float = 1.0) -> list[float]:
    """Return a sample of a normal distribution."""
    chance, law = random.Random(seed), NormalDist(mean, deviation)
    return [law.inv_cdf(min(max(chance.random(), 1e-12), 1 - 1e-12)) for _ in range(size)]
