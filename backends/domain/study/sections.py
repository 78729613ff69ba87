"""A study as sections of text, tables and pictures, the same for Markdown and for the page."""

from collections.abc import Iterator, Mapping, Sequence

from backends.domain.ab.trust import limits, remarks
from backends.domain.format import UNKNOWN, usd
from backends.domain.reports import svg
from backends.domain.reports.ab_picture import ab_svg
from backends.domain.reports.ab_text import findings, how_measured
from backends.domain.reports.cold_probe import cold_probe_lines, cold_probe_svg, verdict_line
from backends.domain.reports.load import (
    ended_text,
    limits_text,
    load_finding,
    load_rows,
    load_svg,
)
from backends.domain.study.figure import SIDES, Figure
from backends.domain.study.figures import figures, ready_starts
from backends.domain.study.money_figures import length_series
from backends.domain.study.pictures import crossovers_svg, memory_svg, phases_svg
from backends.domain.study.setting import setting_sections
from backends.domain.study.shape import Section, Table
from backends.domain.study.study import Study
from backends.domain.study.wording import (
    crossover_word,
    interval_text,
    shown,
    spread_text,
    value_text,
    whole_text,
)

Known = Mapping[str, Figure]
PARTS = ("weights", "kv_cache", "cuda_graphs")
"""What of a GPU's memory vLLM's log names and keeps; the activation peak passes."""


def sections(study: Study) -> tuple[Section, ...]:
    """Return the whole study in the order of its page."""
    known = {each.key: each for each in figures(study)}
    drawn = pictures(study)
    parts = (
        _summary(study, known),
        *_cold_start(study, known),
        *_warm(study, known),
        *_lengths(study, known),
        *_idle(study),
        *_capacity(study),
        *_crossovers(study, known),
        *_memory(known),
        *_cost(known),
        *setting_sections(study),
        _every_figure(known),
    )
    return tuple(part for part in parts if part.picture is None or part.picture in drawn)


def pictures(study: Study, layout: svg.Layout = svg.WIDE) -> dict[str, str]:
    """Return every picture of a study as SVG, by its name."""
    known = {each.key: each for each in figures(study)}
    found = {}
    if starts := ready_starts(study):
        found["phases"] = phases_svg(starts, layout)
    if study.warm:
        found["warm"] = ab_svg(study.warm, layout)
    if study.idle:
        found["idle"] = cold_probe_svg(study.idle, layout)
    if study.load:
        found["capacity"] = load_svg(study.load, layout)
    crossed = [(name, each) for name, each in _crossed(study, known) if each.value is not None]
    if crossed:
        capacity = known.get("capacity.rps")
        rate = None if capacity is None or capacity.value is None else float(capacity.value)
        found["crossover"] = crossovers_svg(crossed, rate, layout)
    held = [(part, known.get(f"memory.{part}_gib")) for part in PARTS]
    sizes = [
        (part.replace("_", " "), float(each.value))
        for part, each in held
        if each is not None and each.value is not None
    ]
    if sizes:
        total = known.get("memory.gpu0.total_gib")
        whole = None if total is None or total.value is None else float(total.value)
        found["memory"] = memory_svg(sizes, whole, layout)
    return found


def _crossed(study: Study, known: Known) -> Iterator[tuple[str, Figure]]:
    names = [name for name, _ in length_series(study)]
    for name in (*names, "traffic"):
        if each := known.get(f"crossover.{name}_rps"):
            yield name, each


def _summary(study: Study, known: Known) -> Section:
    lines = []
    if first := known.get("cold_start.first_token_s"):
        cost = known.get("cold_start.usd")
        price = "" if cost is None or cost.value is None else f"; it costs {value_text(cost)}"
        lines.append(f"A cold start takes {whole_text(first)} from launch to first token{price}.")
    if line := _warm_line(study, known):
        lines.append(line)
    if study.idle:
        lines.append(f"{verdict_line(study.idle)}.")
    if study.load:
        lines.append(f"{load_finding(study.load)}.")
    for name, each in _crossed(study, known):
        if each.value is not None:
            word = crossover_word(name, known)
            lines.append(
                f"At {word}, {study.server.name} is the cheaper one from"
                f" {value_text(each)} on; below, {study.endpoint.name} is."
            )
    return Section("What was found", tuple(lines))


def _warm_line(study: Study, known: Known) -> str:
    """Return both sides' TTFT and their difference as one sentence; empty where one is missing."""
    ours, theirs = (known.get(f"warm.{side}.ttft_s") for side, _ in SIDES)
    shift = known.get("warm.difference.ttft_s")
    if ours is None or theirs is None:
        return ""
    line = (
        f"Warm, the first token of {study.server.name} takes {whole_text(ours)}, that of"
        f" {study.endpoint.name} {whole_text(theirs)}"
    )
    if shift is None or shift.low is None or shift.high is None or shift.value is None:
        return f"{line}."
    if shift.reason:
        return f"{line}; {shift.reason}."
    if shift.low <= 0 <= shift.high:
        return f"{line}; the difference is inside the noise."
    faster = study.server.name if shift.value > 0 else study.endpoint.name
    return f"{line}; {faster} is faster by {shown(abs(float(shift.value)), 's')}."


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:].rstrip('.')}."


def _cold_start(study: Study, known: Known) -> Iterator[Section]:
    found = [each for key, each in known.items() if key.startswith("cold_start.") and each.samples]
    if not found:
        return
    head = ("phase", "mean", "95 % interval", "shortest to longest", "n")
    rows = [
        (each.title, value_text(each), interval_text(each), spread_text(each), str(each.n))
        for each in found
    ]
    lines = [
        f"Start {number}: compilations {each.compile_cache}, weights in memory"
        f" {UNKNOWN if each.weights_in_memory is None else format(each.weights_in_memory, '.0%')},"
        f" {each.start.outcome}."
        for number, each in enumerate(study.starts, start=1)
    ]
    words = "The phases and what no line of the log tells add up to the time to the first token."
    yield Section("Cold start by phase", (words, *lines), (Table(head, tuple(rows)),), "phases")


def _warm(study: Study, known: Known) -> Iterator[Section]:
    if study.warm is None:
        return
    yield Section(
        "Warm latency and speed",
        (
            f"Target a is {study.server.name}, target b {study.endpoint.name}.",
            f"{how_measured(study.warm)}.",
            *map(_sentence, findings(study.warm, "b")),
            *map(_sentence, remarks(study.warm)),
            *([f"Client limited: {limited}."] if (limited := limits(study.warm)) else []),
        ),
        (_both_sides(study, known, "warm"),),
        "warm",
    )


_FIGURES = (
    ("ttft_s", "TTFT, median"),
    ("ttft_range_s", "TTFT, longest less shortest"),
    ("output_tokens_per_s", "output speed, median"),
    ("itl_s", "ITL, median"),
    ("e2e_s", "end to end, median"),
)


def _both_sides(study: Study, known: Known, prefix: str) -> Table:
    rows = []
    for key, title in _FIGURES:
        cells = [whole_text(known.get(f"{prefix}.{side}.{key}")) for side, _ in SIDES]
        difference = known.get(f"{prefix}.difference.{key}")
        words = whole_text(difference)
        if difference is not None and difference.reason:
            words = f"{words}, {difference.reason}"
        if set(cells) != {UNKNOWN}:
            rows.append((title, *cells, words))
    head = ("figure", study.server.name, study.endpoint.name, "endpoint less server")
    return Table(head, tuple(rows))


def _lengths(study: Study, known: Known) -> Iterator[Section]:
    if not study.lengths:
        return
    head = ("replies", "side", "TTFT", "output speed", "end to end", "tokens in, out", "a request")
    rows = []
    for name, _ in length_series(study):
        prefix = "warm" if name == "medium" else f"length.{name}"
        for side, _ in SIDES:
            cells = [
                value_text(known.get(f"{prefix}.{side}.{key}"))
                for key in ("ttft_s", "output_tokens_per_s", "e2e_s")
            ]
            tokens = [known.get(f"length.{name}.{key}_tokens") for key in ("input", "output")]
            counted = ", ".join(value_text(each).removesuffix(" tokens") for each in tokens)
            price = value_text(known.get(f"length.{name}.usd_per_request"))
            is_api = side == "endpoint"
            where = study.endpoint.name if is_api else study.server.name
            rows.append((name, where, *cells, counted if is_api else "", price if is_api else ""))
    words = "Tokens and price of a request are the endpoint's: what it counted, at its prices."
    yield Section("Three lengths of reply", (words,), (Table(head, tuple(rows)),))


def _idle(study: Study) -> Iterator[Section]:
    if study.idle is None:
        return
    lines = tuple(f"{line}." for line in cold_probe_lines(study.idle))
    yield Section("After idle pauses", lines, (), "idle")


def _capacity(study: Study) -> Iterator[Section]:
    if study.load is None:
        return
    head, *rows = load_rows(study.load)
    lines = (
        f"{load_finding(study.load)}.",
        f"{limits_text(study.load.ttft_limit_s, study.load.itl_limit_s)}.",
        f"{ended_text(study.load)}.",
    )
    yield Section("Capacity within the SLO", lines, (Table(head, tuple(rows)),), "capacity")


def _crossovers(study: Study, known: Known) -> Iterator[Section]:
    rows = []
    for name, each in _crossed(study, known):
        capacity = known.get("capacity.rps")
        share = UNKNOWN
        if name == "medium" and capacity is not None and capacity.value and each.value:
            share = f"{float(each.value) / float(capacity.value):.0%}"
        price = value_text(known.get(f"length.{name}.usd_per_request"))
        cells = (value_text(each), interval_text(each), share, each.reason)
        rows.append((crossover_word(name, known), price, *cells))
    if not rows:
        return
    head = ("requests", "one at the endpoint", "crossover", "95 % interval", "of the capacity", "")
    words = (
        f"Crossover = {usd(study.server.usd_per_hour)} an hour / (3600 s x the price of a request)."
        " Below it the endpoint is cheaper, above it the server, as far as it carries the rate."
        " The interval is that of the mean price of a request; prices themselves are exact."
    )
    yield Section("Crossover", (words,), (Table(head, tuple(rows)),), "crossover")


def _memory(known: Known) -> Iterator[Section]:
    rows = [
        (each.title, value_text(each), each.reason)
        for key, each in known.items()
        if key.startswith("memory.")
    ]
    if rows:
        words = "Parts are what vLLM's log says of one GPU; use and total are what its driver says."
        yield Section("Memory by part", (words,), (Table(("part", "size", ""), tuple(rows)),),
                      "memory")  # fmt: skip


def _cost(known: Known) -> Iterator[Section]:
    rows = [
        (each.title, value_text(each), each.reason)
        for key, each in known.items()
        if key.startswith("cost.")
    ]
    if rows:
        table = Table(("what", "US dollars", ""), tuple(rows))
        yield Section("What it cost", (), (table,))


def _every_figure(known: Known) -> Section:
    head = ("key", "value", "95 % interval or bracket", "n", "how")
    rows: Sequence[tuple[str, ...]] = [
        (
            each.key,
            value_text(each),
            interval_text(each),
            str(each.n),
            f"{each.method}; {each.reason}" if each.reason else each.method,
        )
        for each in known.values()
    ]
    return Section("Every figure", (), (Table(head, tuple(rows)),))
