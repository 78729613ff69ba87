"""The serving panel: what a ready server does now, from its own counters."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.reactive import reactive

from backends.domain import format as fmt
from backends.domain.format import UNKNOWN
from backends.domain.serving import (
    Bucket,
    Latency,
    RequestErrors,
    Serving,
    request_errors_words,
)
from backends.domain.session import SERVING_WINDOW_S
from widgets import bars
from widgets.panel import Panel
from widgets.text import Part, arrange, fit, line, safe, styled, wrap_to

ONE_READING = "rates need two readings"

LINES_WITH_COURSES = 8
"""From this height on each figure has a line with its course."""

READING_S = 2.0
"""More than the time between two readings of the metrics."""

BOUND_S = 10.0
"""The steps in which the window of an idle server is shown while it grows."""


@dataclass(frozen=True, slots=True)
class ServingView:
    """The rates of the last minute and their recent course.

    Attributes:
        serving: None where nothing was scraped, with the reason in `reason`.
        output_tokens_per_s: one value for each past second, None for one without a rate.
        input_tokens_per_s: the same for the prompt.
        requests_per_s: the same for requests.
        kv_cache_shares: the KV cache in use in each past second, as a share of one.
        binds: which resource limits the server, in words; empty where none does.
    """

    serving: Serving | None = None
    reason: str = ""
    output_tokens_per_s: tuple[float | None, ...] = ()
    input_tokens_per_s: tuple[float | None, ...] = ()
    requests_per_s: tuple[float | None, ...] = ()
    kv_cache_shares: tuple[float | None, ...] = ()
    binds: str = ""


class ServingPanel(Panel):
    """Throughput, queue, latency percentiles and caches."""

    BORDER_TITLE = "Serving"

    view: reactive[ServingView] = reactive(ServingView(), repaint=False)

    def lines(self, width: int, height: int) -> list[Content]:
        """Return throughput first, latencies next, caches last."""
        return draw(self.view, width, height)


def draw(view: ServingView, width: int, height: int) -> list[Content]:
    """Return the panel's lines, the most wanted first where not all fit."""
    serving = view.serving
    if serving is None:
        reason = safe(view.reason) or "no metrics read yet"
        return [styled(text) for text in wrap_to(f"serving — {reason}", width, height)]
    if height < 6:
        return _short(serving, view, width)[:height]
    latencies = [
        _latency("TTFT", serving.ttft, width),
        _latency("ITL", serving.inter_token, width),
    ]
    if height < LINES_WITH_COURSES:
        speeds = _speeds(serving, view.output_tokens_per_s, width)
        told = [speeds, _queue(view, serving, width), _window(serving, width), *latencies]
        return [*told, _caches(serving, width)]
    courses = (
        (_figure("out", serving.output_tokens_per_s, "tok/s"), view.output_tokens_per_s, None),
        (_figure("in", serving.input_tokens_per_s, "tok/s"), view.input_tokens_per_s, None),
        (_figure("", serving.requests_per_s, "req/s"), view.requests_per_s, None),
        (f"KV  {fmt.percent(serving.kv_cache_usage):>7} cache", view.kv_cache_shares, 1.0),
    )
    return [
        *(_small_course(figure, course, top, width) for figure, course, top in courses),
        _queue(view, serving, width),
        *latencies,
        _window(serving, width),
        *_course(view.output_tokens_per_s, width, height - LINES_WITH_COURSES - 1),
    ]


def _short(serving: Serving, view: ServingView, width: int) -> list[Content]:
    """Return every kind of figure in four lines, the caches' own line as the fifth."""
    use = Part.of(1, f"KV {fmt.percent(serving.kv_cache_usage)}", droppable=False)
    over = Part.of(0, f"({_length(serving)})", style="$foreground-muted", droppable=False)
    count = fmt.count(serving.ttft.n)
    requests = Part.of(4, f"{count} requests", f"n={count}", style="$foreground-muted")
    return [
        _speeds(serving, view.output_tokens_per_s, width, over),
        _queue(view, serving, width, use),
        _latency("TTFT", serving.ttft, width, requests),
        _latency("ITL", serving.inter_token, width),
        _caches(serving, width),
    ]


def _speeds(serving: Serving, course: Sequence[float | None], width: int, *more: Part) -> Content:
    out, came = fmt.rate(serving.output_tokens_per_s), fmt.rate(serving.input_tokens_per_s)
    told = arrange(
        [
            Part.of(0, f"out {out} tok/s", style="bold", droppable=False),
            Part.of(1, f"in {came} tok/s", f"in {came}/s"),
            *more,
        ],
        width,
    )
    spark = bars.sparkline(course, width - told.cell_length - 2)
    return line(told, "  ", (spark, "$primary")) if len(spark) >= 6 else told


def _figure(word: str, value: float | None, unit: str) -> str:
    return f"{word:<4}{fmt.rate(value):>7} {unit}"


def _small_course(
    figure: str, course: Sequence[float | None], top: float | None, width: int
) -> Content:
    """Return a figure, its course in one line, and what the highest block of that stands for."""
    head = f"{figure}  "
    most = top or _top(course)
    scale = "" if most is None else f" {fmt.percent(top) if top else fmt.count(most)}"
    room = width - len(head) - max(6, len(scale))
    spark = bars.sparkline(course, room, most)
    if room < 6 or not spark:
        return styled(head.rstrip())
    return line((head, "bold"), (spark.rjust(room), "$primary"), (scale, "$foreground-muted"))


def _top(values: Sequence[float | None]) -> float | None:
    """Return a round number that no value exceeds, so that the scale seldom changes."""
    highest = max((value for value in values if value is not None), default=0.0)
    return bars.step(highest, 1) if highest > 0 else None


def _course(values: Sequence[float | None], width: int, height: int) -> list[Content]:
    """Return the recent tokens out as a chart, where there is room for one."""
    top = _top(values)
    if height < 3 or top is None:
        return []
    label = f"{fmt.count(top)} "
    shown = values[-(width - len(label)) :]
    shares = [None if value is None else value / top for value in shown]
    rows = bars.block_rows(shares, min(height, 8))
    labels = [label, *([" " * len(label)] * (len(rows) - 2)), "0 ".rjust(len(label))]
    return [
        line((text, "$foreground-muted"), (row, "$primary 80%"))
        for text, row in zip(labels, rows, strict=True)
    ]


def _queue(view: ServingView, serving: Serving, width: int, *more: Part) -> Content:
    running, waiting = (
        fmt.count(value) for value in (serving.requests_running, serving.requests_waiting)
    )
    rate = fmt.rate(serving.requests_per_s)
    queued = "$text-warning" if serving.requests_waiting else ""
    parts = [
        Part.of(3, f"running {running}", f"run {running}", droppable=False),
        Part.of(3, f"waiting {waiting}", f"wait {waiting}", style=queued, droppable=False),
        Part.of(1, f"{rate} req/s"),
        _binds(view.binds),
        *more,
        _errors(serving.errors),
    ]
    return arrange(parts, width)


def _binds(words: str) -> Part:
    if not words:
        return Part(2, ())
    return Part.of(2, f"{words}: inferctl advise", words, style="$text-warning")


def _errors(errors: RequestErrors) -> Part:
    """Return what went wrong with requests since the server began, nothing where nothing did."""
    words = request_errors_words(errors)
    if not words:
        return Part(2, ())
    ended = sum(count or 0 for count in (errors.http_5xx, errors.failed, errors.aborted))
    style = "$text-error" if errors.http_5xx or errors.failed else "$text-warning"
    short = (f"errors {fmt.count(ended)}",) if ended else ()
    return Part.of(2, f"since start: {words}", words, *short, style=style)


def _window(serving: Serving, width: int) -> Content:
    """Return what the rates and latencies are of, and how exact each is."""
    if serving.window_s is None:
        return styled(fit(serving.reason or ONE_READING, width), "$foreground-muted")
    parts = [
        Part.of(1, f"{fmt.count(serving.ttft.n)} requests"),
        Part.of(3, "exact mean, percentiles by bucket"),
        Part.of(4, "A/B is exact"),
        Part.of(2, f"prefix hits {fmt.percent(serving.prefix_cache_hit_share)}"),
    ]
    over = Part.of(0, f"over {_length(serving)}", droppable=False)
    return arrange([over, *parts], width).stylize("$foreground-muted")


def _length(serving: Serving) -> str:
    """Return the window's length; without requests and still growing, a bound of it.

    An idle server's panel is then not drawn each second. A full window may lack one reading.
    """
    window_s = serving.window_s
    if window_s is None or window_s > SERVING_WINDOW_S or serving.ttft.n:
        return fmt.about(window_s)
    if window_s > SERVING_WINDOW_S - READING_S:
        return fmt.about(SERVING_WINDOW_S)
    return f"< {window_s // BOUND_S * BOUND_S + BOUND_S:.0f} s"


def _latency(word: str, seen: Latency, width: int, *more: Part) -> Content:
    """Return the exact mean and the bucket of each percentile; p99 outlasts p50 and p90."""
    p50, p90, p99 = (_within(each) for each in (seen.p50, seen.p90, seen.p99))
    return arrange(
        [
            Part.of(0, f"{word:<4}", style="bold", droppable=False),
            Part.of(0, f"mean {fmt.latency(seen.mean_s)}", droppable=False),
            Part.of(4, f"p50 {p50}"),
            Part.of(5, f"p90 {p90}"),
            Part.of(
                3,
                f"p99 {p99}",
                f"p99 {p99.replace(' to ', '–')}",
                _most(seen.p99),
                droppable=False,
            ),
            *more,
        ],
        width,
    )


def _within(bucket: Bucket | None) -> str:
    return UNKNOWN if bucket is None else fmt.between(bucket.low_s, bucket.high_s)


def _most(bucket: Bucket | None) -> str:
    """Return the upper edge of the 99th percentile's bucket, where there is no room for both."""
    if bucket is None or bucket.high_s is None:
        return f"p99 {_within(bucket)}"
    return f"p99 {fmt.between(0.0, bucket.high_s)}"


def _caches(serving: Serving, width: int) -> Content:
    use, hits = serving.kv_cache_usage, serving.prefix_cache_hit_share
    meter = f"KV cache {fmt.percent(use)}"
    room = max(0, min(16, width - 36))
    gauge = "" if use is None or room < 4 else bars.bar(use, room)
    told = line(meter, "  " if gauge else "", (gauge, "$primary on $foreground 15%"))
    parts = [
        Part(0, (told, Content(meter), Content(f"KV {fmt.percent(use)}"))),
        Part.of(1, f"prefix hits {fmt.percent(hits)}", f"hits {fmt.percent(hits)}"),
    ]
    return arrange(parts, width)
