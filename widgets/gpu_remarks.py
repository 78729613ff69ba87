"""What there is to say about each GPU beside its figures, in whole sentences."""

from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from backends.domain.gpu import GpuSample
from backends.domain.gpu_remarks import remarks
from widgets.text import line, safe


class GpuRemarks(Static):
    """One sentence a line, wrapped; takes no room where there is nothing to say."""

    DEFAULT_CSS = """
    GpuRemarks { height: auto; max-height: 50%; padding: 0 2; }
    """

    view: reactive[GpuSample] = reactive(GpuSample(()), layout=True)

    def watch_view(self, sample: GpuSample) -> None:
        """Show the sentences of a new sample."""
        self.update(Content("\n").join(remark_lines(sample)))


def remark_lines(sample: GpuSample) -> list[Content]:
    """Return the lines: what concerns the drivers first, then GPU by GPU."""
    general = [sample.reason] if sample.gpus and sample.reason else []
    lines = [line(("▲ ", "$text-warning"), safe(each)) for each in general]
    for gpu in sample.gpus:
        lines += [
            line(("▲ ", "$text-warning"), (f"{gpu.index} ", "bold"), safe(each))
            for each in remarks(gpu)
        ]
    return lines
