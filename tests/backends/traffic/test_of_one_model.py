"""Rows of one model among others, and rows that tell the mean of their requests."""

from pathlib import Path

import pytest

from backends.traffic.columns import mapping_from
from backends.traffic.reader import traffic_in

ROWS = [("org/Small-8B", 100, 10), ("org/Large-70B", 1000, 300), ("Small-8B", 200, 30)] * 20


@pytest.mark.parametrize(
    ("model", "n", "into"),
    [("", 60, 1300 / 3), ("small-8b", 40, 150), ("org/Small-8B", 40, 150), ("Large-70B", 20, 1000)],
)
def test_the_traffic_of_one_model_is_told_apart(
    tmp_path: Path, model: str, n: int, into: float
) -> None:
    path = tmp_path / "all.csv"
    lines = ["at,model,input_tokens,output_tokens"]
    lines += [f"{1795824000 + at},{name},{i},{o}" for at, (name, i, o) in enumerate(ROWS)]
    path.write_text("\n".join(lines))
    found = traffic_in((str(path),), model=model)
    assert found.seen.n == n
    assert float(found.seen.input_tokens_mean or 0) == pytest.approx(into)
    assert ("of other models" in found.source) == (n < 60)


def test_averages_beside_a_count_of_requests_are_of_one_request(tmp_path: Path) -> None:
    path = tmp_path / "averages.csv"
    lines = ["bucket_start,requests,avg_input_tokens,avg_output_tokens"]
    lines += [f"{1795824000 + at * 300},{10 + at},{100 + at},25" for at in range(48)]
    path.write_text("\n".join(lines))
    mapping = mapping_from("input=avg_input_tokens,output=avg_output_tokens")
    seen = traffic_in((str(path),), mapping).seen
    whole = sum((10 + at) * (100 + at) for at in range(48))
    assert float(seen.n) == sum(10 + at for at in range(48))
    assert float(seen.input_tokens_mean or 0) == pytest.approx(whole / float(seen.n))
    assert float(seen.output_tokens_mean or 0) == pytest.approx(25)
