"""Prices are fetched on request alone, from recorded replies on loopback, and shown before kept."""

import json
import sys
import threading
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from backends.domain.prices.amounts import BadPrice
from backends.domain.prices.prices import ApiPrice, GpuPrice
from backends.prices.book import kept, set_gpu_price
from backends.prices.fetch import fetched, gpu_prices
from backends.prices.importers import import_catalogue
from backends.prices.table import load_table
from tests.console.cli.conftest import Cli, cli

__all__ = ["cli"]

TODAY = date(2026, 11, 30)
SIZES = {
    "sizes": [
        {"slug": "s-1vcpu-1gb", "price_hourly": 0.00893, "description": "Basic"},
        {
            "slug": "gpu-mi300x8-1536gb",
            "price_hourly": 15.92,
            "available": True,
            "gpu_info": {
                "count": 8,
                "model": "amd_mi300x",
                "vram": {"amount": 1536, "unit": "gib"},
            },
        },
        {
            "slug": "gpu-mi300x1-192gb",
            "price_hourly": 1.99,
            "gpu_info": {"count": 1, "model": "amd_mi300x", "vram": {"amount": 192, "unit": "gib"}},
        },
    ]
}
OFFERS = {
    "date": "2026-11-29",
    "generated_at": "2026-11-29T06:00:00Z",
    "offers": [
        {
            "provider": "RunPod",
            "gpu": "H100 SXM",
            "vram_gb": 80,
            "gpu_count": 1,
            "price_per_gpu_hour": 2.69,
            "tier": "on-demand",
            "source_url": "https://runpod.example/pricing",
            "fetched_at": "2026-11-29T05:58:00Z",
        },
        {"provider": "RunPod", "gpu": "H100 SXM", "price_per_gpu_hour": 1.9, "tier": "spot"},
        {"provider": "Lambda", "gpu": "NVIDIA A100", "gpus": 8, "price_hr": 10.32},
    ],
    "providers": {},
}
MODELS = {
    "data": [
        {
            "id": "openai/gpt-oss-120b",
            "pricing": {"prompt": "0.0000001", "completion": "0.0000005"},
        }
    ]
}


class Publisher(HTTPServer):
    status = 200
    reply: Any = None
    asked: list[str | None]


class Handler(BaseHTTPRequestHandler):
    server: Publisher

    def do_GET(self) -> None:
        self.server.asked.append(self.headers.get("Authorization"))
        reply = self.server.reply
        body = reply.encode() if isinstance(reply, str) else json.dumps(reply).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    server = Publisher(("127.0.0.1", 0), Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def url(server: Publisher) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}/list"


def gpu(folder: Path, provider: str, sku: str, contract: str = "on_demand") -> GpuPrice:
    rows = load_table(folder).gpu
    return next(r for r in rows if (r.provider, r.sku, r.contract) == (provider, sku, contract))


def test_a_cloud_lists_its_gpus_by_the_host(
    publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher.reply = SIZES
    with pytest.raises(BadPrice, match="wants a key; put it in the variable DIGITALOCEAN_TOKEN"):
        fetched(tmp_path, "do", TODAY, url(publisher))
    assert publisher.asked == []
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", "secret")
    found = fetched(tmp_path, "do", TODAY, url(publisher))
    assert publisher.asked == ["Bearer secret"]
    changed = {
        change.new.sku: change for change in found.changes if isinstance(change.new, GpuPrice)
    }
    assert set(changed) == {"gpu-mi300x1-192gb", "gpu-mi300x8-1536gb"}
    assert changed["gpu-mi300x1-192gb"].old is not None
    assert load_table(tmp_path).gpu == load_table(None).gpu  # nothing is written yet
    kept(tmp_path, found)
    one = gpu(tmp_path, "digitalocean", "gpu-mi300x1-192gb")
    assert (one.usd_per_hour, one.gpu, one.as_of) == (Decimal("1.99"), "MI300X", TODAY)
    assert one.source == "digitalocean API"
    eight = gpu(tmp_path, "digitalocean", "gpu-mi300x8-1536gb")
    assert (eight.usd_per_hour, eight.count) == (Decimal("1.99"), 8)


def test_a_dated_list_keeps_its_own_days_and_contracts(
    publisher: Publisher, tmp_path: Path
) -> None:
    publisher.reply = OFFERS
    kept(tmp_path, fetched(tmp_path, "gpurental", TODAY, url(publisher)))
    on_demand = gpu(tmp_path, "runpod", "H100 SXM")
    assert (on_demand.usd_per_hour, on_demand.as_of) == (Decimal("2.69"), date(2026, 11, 29))
    assert on_demand.source == "gpurental, after https://runpod.example/pricing"
    assert gpu(tmp_path, "runpod", "H100 SXM", "spot").usd_per_hour == Decimal("1.9")
    assert gpu(tmp_path, "lambda", "8x A100").usd_per_hour == Decimal("1.29")


def test_models_are_fetched_as_their_catalogue_is_read(
    publisher: Publisher, tmp_path: Path
) -> None:
    publisher.reply = MODELS
    found = fetched(tmp_path, "openrouter", TODAY, url(publisher))
    assert [change.new.provider for change in found.changes] == ["openrouter"]
    assert kept(tmp_path, found).changed == 1
    assert fetched(tmp_path, "openrouter", TODAY, url(publisher)).changes == ()


def test_what_the_user_set_stays(publisher: Publisher, tmp_path: Path) -> None:
    set_gpu_price(tmp_path, "runpod", "H100 SXM", "2.00", TODAY)
    publisher.reply = OFFERS
    kept(tmp_path, fetched(tmp_path, "gpurental", TODAY, url(publisher)))
    assert gpu(tmp_path, "runpod", "H100 SXM").usd_per_hour == Decimal("2.00")


@pytest.mark.parametrize(
    ("status", "reply", "message"),
    [
        (503, "{}", "gpurental answered with status 503"),
        (200, "<html>", "gpurental: no JSON"),
        (200, "{}", "no list of GPUs that is known"),
        (200, '{"offers": [{"provider": "a", "gpu": "b", "price_hr": "x"}]}', "price_hr"),
    ],
)
def test_an_answer_that_is_no_list_is_said(
    publisher: Publisher, tmp_path: Path, status: int, reply: str, message: str
) -> None:
    publisher.status, publisher.reply = status, reply
    with pytest.raises(BadPrice, match=message):
        fetched(tmp_path, "gpurental", TODAY, url(publisher))


def test_a_package_without_which_nothing_is_fetched_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package, source in (("genai_prices.update_prices", "genai"), ("gpuhunt", "gpuhunt")):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(BadPrice, match=r"install inferctl\[prices\]"):
            fetched(tmp_path, source, TODAY)


def test_gpus_of_a_package_are_the_cheapest_place_of_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def item(location: str, price: float, *, spot: bool = False) -> SimpleNamespace:
        return SimpleNamespace(
            provider="nebius",
            instance_name="gpu-h100-sxm_8gpu",
            location=location,
            price=price,
            gpu_count=8,
            gpu_name="H100",
            gpu_memory=80.0,
            spot=spot,
        )

    asked: dict[str, int] = {}

    def query(**filters: int) -> list[SimpleNamespace]:
        asked.update(filters)
        return [item("eu", 24.0), item("us", 23.6), item("us", 10.0, spot=True)]

    package = SimpleNamespace(default_catalog=lambda: SimpleNamespace(query=query))
    monkeypatch.setitem(sys.modules, "gpuhunt", package)
    kept(tmp_path, fetched(tmp_path, "gpuhunt", TODAY))
    assert asked == {"min_gpu_count": 1}
    on_demand = gpu(tmp_path, "nebius", "gpu-h100-sxm_8gpu")
    assert (on_demand.usd_per_hour, on_demand.count, on_demand.vram_gb) == (Decimal("2.95"), 8, 80)
    spot = gpu(tmp_path, "nebius", "gpu-h100-sxm_8gpu", "spot")
    assert spot.usd_per_hour == Decimal("1.25")


def test_models_of_the_package_are_fetched(publisher: Publisher, tmp_path: Path) -> None:
    pytest.importorskip("genai_prices", reason="inferctl[prices] is not installed")
    publisher.reply = [
        {
            "id": "together",
            "name": "Together",
            "api_pattern": "https://api\\.together\\.xyz",
            "models": [
                {
                    "id": "a/model",
                    "match": {"equals": "a/model"},
                    "prices": {"input_mtok": 0.88, "output_mtok": 0.9},
                }
            ],
        }
    ]
    (change,) = fetched(tmp_path, "genai", TODAY, url(publisher)).changes
    assert isinstance(change.new, ApiPrice)
    assert change.new.output_usd_per_mtok == Decimal("0.9")
    assert change.new.as_of == TODAY


def test_nobody_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadPrice, match=r"litellm: .*does not answer"):
        fetched(tmp_path, "litellm", TODAY, "http://127.0.0.1:1/")


def test_the_verb_shows_the_difference_before_it_keeps_anything(
    publisher: Publisher, tmp_path: Path, cli: Cli
) -> None:
    publisher.reply = OFFERS
    asked = ("prices", "update", "--fetch", "gpurental", "--address", url(publisher))
    refused = cli(*asked)
    assert refused.code == 2
    assert "runpod/H100 SXM: $3.99/h a GPU (2026-11-09" in refused.err
    assert "-> $2.69/h a GPU (2026-11-29" in refused.err
    assert "1 prices change and 2 are new" in refused.err
    assert "$2.69" not in cli("prices", "list", "--gpu", "H100").out
    assert cli(*asked, "--yes").code == 0
    assert "$2.69" in cli("prices", "list", "--gpu", "H100").out


def test_sources_that_differ_by_more_than_a_fifth_are_listed_with_both_ends(
    publisher: Publisher, cli: Cli
) -> None:
    publisher.reply = OFFERS
    cli("prices", "update", "--fetch", "gpurental", "--address", url(publisher), "--yes")
    rows = cli("prices", "list", "--gpu", "H100 SXM", "--json").json()["prices"]
    (row,) = [each for each in rows if each["provider"] == "runpod" and each["ends"]]
    assert row["usd_per_hour"] == "2.69"
    assert [row["ends"][end]["usd_per_hour"] for end in ("low", "high")] == ["2.69", "3.99"]
    assert float(row["ends"]["differ_percent"]) == pytest.approx(48.3, abs=0.1)
    listed = cli("prices", "list", "--gpu", "H100 SXM").out
    assert "says $3.99/h a GPU (2026-11-09" in listed


def test_of_offers_of_one_name_the_cheapest_counts_and_of_equal_ones_the_first() -> None:
    offers = [
        {"provider": "x", "gpu": "H100", "usd_per_gpu_hour": usd, "vram_gb": vram_gb}
        for usd, vram_gb in ((3, 80), (2, 81), (2, 82), (4, 83))
    ]
    (found,) = gpu_prices(json.dumps({"offers": offers}), "list", TODAY, None)
    assert (found.usd_per_hour, found.vram_gb) == (Decimal(2), 81)


BAD_LISTS = (
    "1" * 5000,
    "[" * 100_000,
    '{"offers": [{"provider": "x", "gpu": "H100", "price": 1e999999999999999999999}]}',
    '{"offers": [{"provider": "x", "gpu": "H100", "price": 1, "vram": {"amount": "much"}}]}',
    '{"offers": [{"provider": "x", "gpu": "H100", "price": 1e-400}]}',
    '{"data": [{"id": 7, "pricing": {}}]}',
    '{"data": [{"pricing": {}}]}',
    '{"data": [3]}',
    '{"x": {"models": {"m": null}}}',
    '{"x": {"models": [], "litellm_provider": 3}}',
    '{"x": {"models": {"m": {"cost": {"input": 1, "tiers": 5}}}}}',
    '{"m": {"litellm_provider": 3, "mode": "chat", "input_cost_per_token": 1e-6}}',
)


@pytest.mark.parametrize("text", BAD_LISTS, ids=map(str, range(len(BAD_LISTS))))
def test_a_list_of_another_form_is_a_sentence(text: str) -> None:
    with pytest.raises(BadPrice, match=r"\Alist"):
        gpu_prices(text, "list", TODAY, None)
    with pytest.raises(BadPrice, match=r"\Alist"):
        import_catalogue(text, "list", TODAY)
