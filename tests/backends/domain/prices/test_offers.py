"""Which rows of the price table are of a GPU that is here."""

from datetime import date
from decimal import Decimal

import pytest

from backends.domain.format import GIB
from backends.domain.prices.offers import offers, offers_sentence
from backends.domain.prices.prices import GpuContract, GpuPrice
from backends.prices.table import shipped_table


def row(
    gpu: str,
    usd: str | None = "2",
    vram_gb: int | None = None,
    contract: GpuContract = "on_demand",
    as_of: date | None = date(2026, 11, 1),
) -> GpuPrice:
    price = None if usd is None else Decimal(usd)
    return GpuPrice("x", f"{gpu} sku", gpu, price, contract, vram_gb=vram_gb, as_of=as_of)


@pytest.mark.parametrize(
    ("name", "gib", "gpu", "vram_gb", "fits"),
    [
        ("NVIDIA H100 80GB HBM3", 79.6, "H100", 80, True),
        ("NVIDIA H100 PCIe", 79.6, "H100 SXM", 80, True),
        ("NVIDIA H100 NVL", 93.6, "H100", 80, False),
        ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", 9.8, "H100", 80, False),
        ("NVIDIA GH200 480GB", 95.6, "H200", 141, False),
        ("NVIDIA H200", 140.4, "H200", 141, True),
        ("NVIDIA A100-SXM4-80GB", 80.0, "A100 80 GB", 80, True),
        ("NVIDIA A100-SXM4-40GB", 40.0, "A100 80 GB", 80, False),
        ("NVIDIA A100-SXM4-40GB", 40.0, "A100 80 GB", None, True),
        ("H100", 79.6, "H100", 80, True),
        ("AMD Instinct MI300X", 191.7, "MI300X", 192, True),
        ("AMD Instinct MI300A", 128.0, "MI300X", 192, False),
        ("NVIDIA GeForce RTX 5090", 31.8, "RTX 4090", 24, False),
        ("NVIDIA GeForce RTX 4090", 24.0, "RTX 4090", 24, True),
        ("NVIDIA L40S", 45.0, "L40S", 48, True),
        ("NVIDIA L4", 22.5, "L40S", 48, False),
        ("NVIDIA H100 80GB HBM3", None, "H100", 80, True),
    ],
)
def test_a_row_is_of_a_gpu_by_model_and_memory(
    name: str, gib: float | None, gpu: str, vram_gb: int | None, *, fits: bool
) -> None:
    total = None if gib is None else int(gib * GIB)
    assert bool(offers([row(gpu, vram_gb=vram_gb)], name, total)) is fits


def test_only_prices_on_demand_are_told_the_cheapest_first() -> None:
    rows = [
        row("H100", "4"),
        row("H100", "3"),
        row("H100", None),
        row("H100", "1", contract="spot"),
        row("H100", "1.5", contract="reserved"),
        row("H100", "5", contract="serverless"),
    ]
    found = offers(rows, "NVIDIA H100", None)
    assert [each.usd_per_hour for each in found] == [Decimal(3), Decimal(4)]


def test_both_ends_have_who_says_so_and_since_when() -> None:
    low, high = row("H100", "3"), row("H100", "4.5", as_of=None)
    assert offers_sentence([]) == ""
    assert offers_sentence([low]) == (
        "the price table has one H100 on demand at $3.00/h (x H100 sku, 2026-11-01)"
    )
    assert " one H100 on demand " in offers_sentence([low, row("H100 SXM", "4")])
    assert offers_sentence([low, high]) == (
        "the price table has one H100 on demand from $3.00/h (x H100 sku, 2026-11-01) "
        "to $4.50/h (x H100 sku, undated)"
    )


@pytest.mark.parametrize(
    ("name", "gib", "least"),
    [
        ("NVIDIA H100 80GB HBM3", 79.6, 5),
        ("NVIDIA A100-SXM4-80GB", 80.0, 2),
        ("AMD Instinct MI300X", 191.7, 1),
        ("NVIDIA B200", 178.4, 1),
    ],
)
def test_the_shipped_table_knows_the_usual_gpus(name: str, gib: float, least: int) -> None:
    assert len(offers(shipped_table().gpu, name, int(gib * GIB))) >= least
