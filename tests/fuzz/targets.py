"""The readers of what comes from outside, each with documents that it reads well."""

import contextlib
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from pathlib import Path

from backends.agent import greeting, messages
from backends.domain.ab.facts import RunEnded
from backends.domain.billing.account import Account
from backends.domain.billing.ledger import changes, stretches_between
from backends.domain.lifecycle import Life, life_after, not_started
from backends.domain.prices.amounts import BadPrice
from backends.domain.session import Session, advance, watching
from backends.domain.startup.document import start_document
from backends.domain.startup.explain import explain
from backends.domain.startup.fold import as_start
from backends.domain.startup.lines import LineSplitter
from backends.domain.startup.reader import StartReader
from backends.keeper.folder import facts_in
from backends.metrics.exposition import UnreadableMetrics, counters_from
from backends.prices.fetch import gpu_prices
from backends.prices.importers import import_catalogue
from backends.prices.table import table_from
from backends.prober.http import BrokenReply
from backends.prober.reply import Reply, UnreadableReply
from backends.settings.faults import ConfigError
from backends.settings.read import parse_settings
from backends.traffic.columns import UnreadableTraffic
from backends.traffic.reader import traffic_in
from backends.wire import UnreadableRecord, encode_fact, json_bytes, plain
from tests.backends.domain.ab.chunks import chunk, usage
from tests.backends.domain.journals import at, failed, ready, stopped
from tests.console import sessions

DATA = Path(__file__).parents[1] / "data"
REFERENCE = Path(__file__).parents[2] / "backends/settings/presets.toml"
DAY = date(2026, 11, 30)


@dataclass(frozen=True)
class Target:
    """A reader.

    Attributes:
        documents: what it reads well.
        read: reads one, and whatever follows from it; raises only what is a fault of the reader.
    """

    documents: Sequence[bytes]
    read: Callable[[bytes], object]


def _reply(data: bytes) -> None:
    reply = Reply("m", ("sk-" + "k" * 40,))
    try:
        for place in range(0, len(data), 700):
            for piece in reply.feed(1.0 + place / 1e3, data[place : place + 700]):
                json_bytes(plain(piece))
        whole = reply.end(9.0)
        said = reply.error(None, cut=not whole)
    except (BrokenReply, UnreadableReply) as error:
        said = str(error)
    assert said is None or said.encode()


def _log(data: bytes) -> None:
    splitter, reader = LineSplitter(), StartReader()
    lines = [*splitter.feed(data), *splitter.rest()]
    for number, line in enumerate(lines):
        for fact in reader.feed(at(100.0 + number), line):
            encode_fact(fact)
    for fact in reader.close(at(9000.0), None):
        encode_fact(fact)
    for start in explain(enumerate(lines)):
        json_bytes(start_document(start))


def _configuration(data: bytes) -> None:
    with contextlib.suppress(ConfigError):
        parse_settings(data.decode("utf-8", "surrogateescape"), Path("config.toml"))


def _journal(data: bytes) -> None:
    facts = list(facts_in(data.split(b"\n")))
    life: Life = reduce(life_after, facts, not_started("chat"))
    stretches_between([changes(facts)], 0.0, 2e9)
    if life.start is not None:
        json_bytes(start_document(as_start(life.start, at(9000.0))))
    reduce(advance, facts, watching(Session(at(90.0)), "chat", None))


def _agent(data: bytes) -> None:
    session = watching(Session(at(90.0)), "chat", None)
    for line in data.split(b"\n"):
        try:
            message = messages.decode(line)
        except UnreadableRecord:
            continue
        if isinstance(message, messages.Snapshot):
            session = messages.with_snapshot(session, message)
        elif not isinstance(
            message, greeting.Hello | greeting.Status | messages.Series | messages.PlanJudged
        ):
            session = advance(session, message)


def _traffic(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "traffic")
        file.write_bytes(data)
        with contextlib.suppress(UnreadableTraffic):
            traffic_in((str(file),))


def _prices(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    readers: tuple[Callable[[], object], ...] = (
        lambda: import_catalogue(text, "prices", DAY),
        lambda: table_from(text, "prices", "imported"),
        lambda: gpu_prices(text, "prices", DAY, None),
    )
    for read in readers:
        with contextlib.suppress(BadPrice):
            read()


def _metrics(data: bytes) -> None:
    with contextlib.suppress(UnreadableMetrics):
        counters_from(data.decode("utf-8", "replace"))


def _http(body: bytes, head: str = "", status: str = "200 OK") -> bytes:
    kind = "text/event-stream" if body.startswith(b"data") else "application/json"
    return f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\n{head}\r\n".encode() + body


STREAM = b"".join(
    b"data: %s\n\n" % (each if isinstance(each, bytes) else json.dumps(each).encode())
    for each in (
        *(chunk({"content": word}) for word in ("one ", "two ", "three")),
        chunk({"reasoning_content": "hm"}),
        usage(7),
        b"[DONE]",
    )
)
CHUNKED = b"".join(b"%x\r\n%b\r\n" % (100, STREAM[at : at + 100]) for at in range(0, 400, 100))
ERROR = json.dumps({"error": {"message": "no", "code": 400, "metadata": {"raw": "{}"}}}).encode()

CONFIGURATION = b"""
[server.chat]
model = "org/model"
args = ["--max-model-len", "8192"]
port = 8000
gpu_usd_per_hour = "1.88"
gpu_price_as_of = 2026-11-01
environment = { A = "b" }

[endpoint.api]
base_url = "https://api.example/v1"
model = "m"
api_key_command = "pass show api"
input_usd_per_mtok = "0.1"
headers = { "x-a" = "b" }

[billing]
since = 2026-11-01T00:00:00Z
[traffic]
[plan]
hours_per_day = 8
[limits]
ttft_p99_s = 1.0
[keys]
quit = "q"
"""

CATALOGUES = (
    {"openai": {"models": {"gpt": {"id": "gpt", "cost": {"input": 1, "output": 2.5}}}}},
    {"data": [{"id": "a/b", "pricing": {"prompt": "0.000001", "completion": "0.000002"}}]},
    {"m": {"litellm_provider": "x", "mode": "chat", "input_cost_per_token": 1e-6}},
    {"sizes": [{"gpu_info": {"model": "nvidia_h100", "count": 8, "vram": 80}, "price_hourly": 2}]},
    {"offers": [{"provider": "x", "gpu_name": "H100", "usd_per_gpu_hour": 2.1, "gpu_count": 2}]},
    {"api": [{"provider": "x", "model": "m", "input": "1.5", "as_of": "2026-11-01"}]},
    {"gpu": [{"provider": "x", "sku": "y", "gpu": "z", "usd_per_hour": "1", "gpus": 1}]},
)


METRICS = b"""# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 1.0
vllm:generation_tokens_total{engine="0"} 5e3
vllm:time_to_first_token_seconds_bucket{le="0.1"} 2
vllm:time_to_first_token_seconds_bucket{le="+Inf"} 3
vllm:time_to_first_token_seconds_sum 0.3
vllm:time_to_first_token_seconds_count 3
"""


def _lines(*facts: object) -> bytes:
    return b"\n".join(encode_fact(fact) for fact in facts)  # type: ignore[arg-type]


TARGETS: dict[str, Target] = {
    "reply": Target(
        (
            _http(STREAM),
            _http(CHUNKED + b"0\r\n\r\n", "transfer-encoding: chunked\r\n"),
            _http(STREAM.replace(b"\n", b"\r\n"), f"content-length: {len(STREAM)}\r\n"),
            _http(ERROR, status="400 Bad Request"),
            _http(b'event: error\ndata: {"message":"x"}\n\n' + STREAM),
        ),
        _reply,
    ),
    "log": Target([file.read_bytes() for file in sorted((DATA / "logs").glob("*.log"))], _log),
    "configuration": Target((CONFIGURATION, REFERENCE.read_bytes()), _configuration),
    "journal": Target(
        (_lines(*stopped()), _lines(*failed()), _lines(*ready())),
        _journal,
    ),
    "agent": Target(
        (
            _lines(*ready(), sessions.scrape(200, 3)),
            messages.encode(messages.Snapshot(Account(at(100.0)))),
            messages.encode(messages.Snapshot(sessions.READY.account)),
            _lines(RunEnded(at(300.0), sessions.run("a", 0, 0.2))),
        ),
        _agent,
    ),
    "traffic": Target(
        [file.read_bytes() for file in sorted((DATA / "traffic").iterdir())], _traffic
    ),
    "prices": Target([json.dumps(each, default=str).encode() for each in CATALOGUES], _prices),
    "metrics": Target((METRICS,), _metrics),
}
