from backends.domain.ab.run import Spread
from widgets.run_dots import TargetRuns, dot_lines


def test_one_run_claims_no_median_and_no_quartiles() -> None:
    one = TargetRuns("a", (0.325,), Spread(0.325, 0.325, 0.325, 0.325, 0.325))
    (row,) = dot_lines([one], 80, 1, [])
    assert row.plain.endswith("one run 325 ms")
