from pathlib import Path

from backends.discovery.offer import discover
from backends.discovery.surroundings import Surroundings
from backends.domain.gpu import GpuSample


def test_nothing_found_is_told_with_where_was_looked(tmp_path: Path) -> None:
    around = Surroundings(tmp_path, tmp_path, {}, tmp_path)
    offer = discover(around, gpus=GpuSample((), "no NVIDIA or AMD driver is loaded"))
    assert (offer.executables, offer.models) == ((), ())
    reasons = dict(offer.reasons)
    assert reasons.keys() == {"executables", "models", "gpus"}
    assert str(tmp_path / ".cache/huggingface/hub") in reasons["models"]
    assert reasons["gpus"] == "no NVIDIA or AMD driver is loaded"


def test_gpus_that_nobody_looked_for_are_not_said_to_be_missing(tmp_path: Path) -> None:
    offer = discover(Surroundings(tmp_path, tmp_path, {}, tmp_path))
    assert offer.gpus is None
    assert "gpus" not in dict(offer.reasons)
