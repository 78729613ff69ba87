"""What a series says of the client that measured it."""

import pytest

from backends.domain.ab.run import Run
from backends.prober.audit import Audit
from backends.prober.exchange import Trace

MS = 1_000_000


@pytest.mark.parametrize(
    ("lag_ms", "coalesced", "said"),
    [
        (5.1, 1, ("one read in a hundred came over 5.1 ms late",)),
        (5.0, 1, ()),
        (5.1, 0, ()),
        (5.1, None, ()),
    ],
)
def test_late_reads_are_told_where_segments_were_read_together(
    lag_ms: float, coalesced: int | None, said: tuple[str, ...]
) -> None:
    audit = Audit()
    trace = Trace(lags_ns=[int(lag_ms * MS)] * 10, coalesced_segments=coalesced)
    audit.add(Run("a", 0, 0.1), trace)
    found = audit.finish(())
    assert tuple(each for each in found.reasons if "read" in each) == said
    assert found.stamp_lag_p99_s == pytest.approx(lag_ms / 1e3)


@pytest.mark.parametrize(("sent_s", "late"), [(0.005, False), (0.0051, True)])
def test_the_latest_send_counts(sent_s: float, *, late: bool) -> None:
    audit = Audit()
    for planned_to_sent_s in (0.001, sent_s, 0.002):
        audit.add(Run("a", 0, 0.1, planned_to_sent_s=planned_to_sent_s), Trace())
    found = audit.finish(())
    assert any("late" in each for each in found.reasons) is late
    assert found.planned_to_sent_max_s == sent_s
