"""The serving panel: what a ready server does now, from its own counters."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.reactive import reactive

from backends.domain.serving import Percentiles, Serving
from widgets import bars
from widgets import format as fmt
from widgets.panel import Panel
from widgets.text import UNKNOWN, Part, arrange, line, safe, styled, wrap_to


@dataclass(frozen=True, slots=True)
class ServingView:
    """The rates of the last window and their recent course.

    Attributes:
        serving: None where nothing was scraped, with the reason in `reason`.
        output_tokens_per_s: one value for each past window, None for one without a rate.
        input_tokens_per_s: the same for the prompt.
    """

    serving: Serving | None = None
    reason: str = ""
    output_tokens_per_s: tuple[float | None, ...] = ()
    input_tokens_per_s: tuple[float | None, ...] = ()


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
    lines = [
        _speed("out", serving.output_tokens_per_s, view.output_tokens_per_s, width),
        _queue(serving, width),
        _latency("TTFT", serving.ttft, width),
        _latency("ITL", serving.inter_token, width),
        _caches(serving, width),
        _speed("in", serving.input_tokens_per_s, view.input_tokens_per_s, width),
    ]
    order = (0, 5, 1, 2, 3, 4) if height >= 6 else (0, 1, 2, 3, 4)
    told = [lines[at] for at in order]
    if height >= 8:
        told.insert(3, styled(_heads(width), "$foreground-muted"))
    return told[:height]


def _speed(word: str, value: float | None, course: Sequence[float | None], width: int) -> Content:
    figure = f"{word:<4}{fmt.rate(value):>7} tok/s "
    spark = bars.sparkline(course, width - len(figure))
    return line((figure, "bold" if word == "out" else ""), (spark, "$primary"))


def _queue(serving: Serving, width: int) -> Content:
    running, waiting = (
        fmt.count(value) for value in (serving.requests_running, serving.requests_waiting)
    )
    rate = fmt.rate(serving.requests_per_s)
    queued = "$text-warning" if serving.requests_waiting else ""
    parts = [
        Part.of(0, f"running {running}", droppable=False),
        Part.of(0, f"waiting {waiting}", style=queued, droppable=False),
        Part.of(1, f"{rate} req/s"),
    ]
    if serving.window_s is not None:
        parts.append(Part.of(2, f"over {fmt.about(serving.window_s)}", style="$foreground-muted"))
    return arrange(parts, width)


def _columns(width: int) -> int:
    return min(12, max(8, (width - 5) // 3))


def _heads(width: int) -> str:
    each = _columns(width)
    return "     " + "".join(word.rjust(each) for word in ("p50", "p90", "p99"))


def _latency(word: str, values: Percentiles, width: int) -> Content:
    each = _columns(width)
    shown = (values.p50_s, values.p90_s, values.p99_s)
    cells = "".join(fmt.milliseconds(value).rjust(each) for value in shown)
    told = line((f"{word:<5}", "bold"), cells)
    note = "  p50 p90 p99"
    return (
        line(told, (note, "$foreground-muted")) if told.cell_length + len(note) <= width else told
    )


def _caches(serving: Serving, width: int) -> Content:
    use, hits = serving.kv_cache_usage, serving.prefix_cache_hit_share
    meter = UNKNOWN if use is None else fmt.percent(use)
    room = max(0, min(16, width - 36))
    gauge = "" if use is None or room < 4 else f" ▕{bars.bar(use, room)}▏"
    parts = [
        Part.of(0, f"KV cache {meter}{gauge}", f"KV {meter}", droppable=False),
        Part.of(1, f"prefix hits {fmt.percent(hits)}", f"hits {fmt.percent(hits)}"),
    ]
    return arrange(parts, width)
