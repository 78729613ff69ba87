"""``make study-demo``: a study over simulated servers, beside the published figures, row by row.

The simulated start, its speech and the endpoint's first tokens are made of the published figures,
so that most rows say only that the study measures what is there; each row says which.
"""

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from backends.domain.format import UNKNOWN
from backends.domain.study.figure import Figure
from backends.domain.study.figures import figures
from backends.domain.study.study import Study
from backends.domain.study.wording import interval_text, shown, spread_text, value_text
from backends.operations.demo import Play, simulated_host
from backends.operations.demo_supervisor import SERVER
from backends.operations.study import files, plan
from backends.operations.study.folder import study_folder
from backends.operations.study.plan import QUICK, WHOLE
from backends.operations.study.run import study_of
from console.cli.output import say, show, table
from console.cli.study import measured

WHOLE_GAPS_S, QUICK_GAPS_S = (30.0, 120.0), (5.0, 15.0)
"""Pauses are not played faster: shorter ones keep a study below 25 and 8 minutes."""
START = "input: the simulated start plays the published phases"
SPEECH = "input: how fast the simulated server speaks"
ENDPOINT = "input: the spread of the simulated endpoint's first tokens"
CROSSOVER = "follows: the published prices of the tokens that were counted here"


@dataclass(frozen=True)
class Row:
    """One published figure.

    Attributes:
        keys: the figures of the study that it is the sum of.
        played: whether the speed of the demo divides it.
        source: where the study's figure comes from.
    """

    title: str
    published: str
    keys: tuple[str, ...]
    source: str
    played: bool = False
    spread: bool = False


def phases(*names: str) -> tuple[str, ...]:
    return tuple(f"cold_start.phase.{name}_s" for name in names)


REST = phases(
    *("launch", "configure", "spawn_engine", "init_devices", "profile_memory"),
    *("allocate_kv_cache", "warm_up_kernels"),
)
ROWS = (
    Row("cold start", "60.8 to 61.4 s", ("cold_start.first_token_s",), START, played=True),
    Row("  load weights", "~24 s", phases("load_weights"), START, played=True),
    Row("  torch.compile", "~4 s", phases("compile"), START, played=True),
    Row("  CUDA graph capture", "~11 s", phases("capture_graphs"), START, played=True),
    Row("  engine init, KV cache, warm-up", "~21 s", REST, START, played=True),
    Row("TTFT, own server", "~322 ms", ("warm.server.ttft_s",), SPEECH),
    Row("  longest less shortest", "~2 ms", ("warm.server.ttft_range_s",), SPEECH),
    Row("tokens a second, own server", "~154", ("warm.server.output_tokens_per_s",), SPEECH),
    Row("TTFT, serverless", "~546 ms", ("warm.endpoint.ttft_s",), ENDPOINT),
    Row("  of all runs", "446 ms to 1.3 s", ("warm.endpoint.ttft_s",), ENDPOINT, spread=True),
    Row("cold start, serverless", "none observed", ("idle.cold_after_s",),
        "input: the simulated endpoint never sleeps"),
    Row("weights", "~68 GB", ("memory.weights_gib",), "input: what the simulated log says"),
    Row("KV cache", "~100 GB", ("memory.kv_cache_gib",), "input: what the simulated log says"),
    Row("VRAM in use", "~173 GB", ("memory.gpu0.used_gib",), "input: what the simulated GPU holds"),
    Row("crossover, ~30 tokens", "~18 req/s", ("crossover.short_rps",), CROSSOVER),
    Row("crossover, ~220 tokens", "~3 req/s", ("crossover.medium_rps",), CROSSOVER),
    Row("crossover, ~1,200 tokens", "<1 req/s", ("crossover.long_rps",), CROSSOVER),
    Row("capacity within the SLO", "not published", ("capacity.rps",),
        "the simulated server's own slowing under load, and this machine"),
)  # fmt: skip


def rows_beside(study: Study, speed: float) -> list[tuple[str, ...]]:
    """Return the published rows with the study's figures beside them, the head first."""
    known = {each.key: each for each in figures(study)}
    head = ("FIGURE", "PUBLISHED", "HERE", "95 % INTERVAL", "WHERE IT COMES FROM")
    return [head, *(_row(row, known, speed) for row in ROWS)]


def _row(row: Row, known: Mapping[str, Figure], speed: float) -> tuple[str, ...]:
    found = [known[key] for key in row.keys if key in known]
    if not found:
        return row.title, row.published, UNKNOWN, "", row.source
    if row.spread:
        return row.title, row.published, spread_text(found[0]), "", row.source
    factor = speed if row.played else 1.0
    scaled = [
        replace(
            each,
            value=_times(each.value, factor),
            low=_times(each.low, factor),
            high=_times(each.high, factor),
        )
        for each in found
    ]
    values = [float(each.value) for each in scaled if each.value is not None]
    here = shown(sum(values), found[0].unit) if values else "none observed"
    ends = interval_text(scaled[0]) if len(scaled) == 1 else ""
    source = row.source
    if row.played:
        source += f"; played {speed:g} times faster, so that real processes' time counts as often"
    if row.source == CROSSOVER:
        source += _tokens(row.keys[0], known)
    return row.title, row.published, here, "" if ends == UNKNOWN else ends, source


def _tokens(key: str, known: Mapping[str, Figure]) -> str:
    """Return what a crossover follows from, as no length of a prompt was published."""
    name = key.removeprefix("crossover.").removesuffix("_rps")
    counted = [known.get(f"length.{name}.{side}_tokens") for side in ("input", "output")]
    return f": {value_text(counted[0])} in, {value_text(counted[1])} out"


def _times(value: Decimal | float | None, factor: float) -> float | None:
    return None if value is None else float(value) * factor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--speed", type=float, default=10.0)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--output", default="study-demo")
    arguments = parser.parse_args()
    sizes = replace(WHOLE, gaps_s=WHOLE_GAPS_S, load_s=420.0)
    if arguments.quick:
        sizes = replace(QUICK, gaps_s=QUICK_GAPS_S)
    began_s = time.monotonic()
    with simulated_host(Play(arguments.speed, traffic_rps=0.0)) as host:
        order = plan.order_of(host, SERVER, "serverless", sizes, quick=arguments.quick)
        folder = study_folder(host.state_folder, order.study_id)
        folder.begin(order)
        study = study_of(order, folder, measured(host, order, folder))
    written = files.write_study(files.without_names(study), Path(arguments.output), "study")
    table(rows_beside(study, arguments.speed))
    kind = "a quick study" if arguments.quick else "a whole study"
    show(f"{kind} took {(time.monotonic() - began_s) / 60:.1f} min")
    for path in written:
        say(f"written: {path}")


if __name__ == "__main__":
    main()
