"""Other benchmark tools, each asked as its own documentation says, and what it told of a request.

All of them tell TTFT and end-to-end time of every request. `vllm bench serve` and aiperf tell every
gap between two chunks; guidellm tells a request's mean.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.ab_clients import Reported, numbered
from benchmarks.ab_table import NotMeasured

SAMPLE_S = 0.1
LONGEST_S = 300.0
MS = 1e-3


@dataclass(frozen=True)
class Asked:
    """What a tool is to do.

    Attributes:
        origin: of the server, without a path.
        tokenizer: a folder that holds one.
        folder: empty, for what it writes.
    """

    origin: str
    model: str
    streams: int
    requests: int
    tokens: int
    tokenizer: str
    folder: Path


@dataclass(frozen=True)
class Peer:
    """A tool: its command, further environment, and how its output is read."""

    command: Callable[[Asked], list[str]]
    read: Callable[[Path, dict[str, int]], list[Reported]]
    offline: bool = True


def _vllm(asked: Asked) -> list[str]:
    words = (
        f"bench serve --backend openai-chat --endpoint /v1/chat/completions --model {asked.model}"
    )
    words += f" --dataset-name random --random-input-len 8 --random-output-len {asked.tokens}"
    words += f" --num-prompts {asked.requests} --max-concurrency {asked.streams} --disable-tqdm"
    words += " --save-result --save-detailed --result-filename result.json"
    where = ["--base-url", asked.origin, "--result-dir", str(asked.folder)]
    return [*words.split(), *where, "--tokenizer", asked.tokenizer]


def _read_vllm(folder: Path, _: dict[str, int]) -> list[Reported]:
    told = json.loads((folder / "result.json").read_text())
    names = ("generated_texts", "ttfts", "latencies", "itls", "errors")
    rows = zip(*(told[name] for name in names), strict=True)
    # Its list of gaps begins with that between the chunk with the role and the first token.
    return [
        Reported(numbered(text), ttft_s, e2e_s, gaps[1:])
        for text, ttft_s, e2e_s, gaps, error in rows
        if not error
    ]


def _aiperf(asked: Asked) -> list[str]:
    words = f"profile --model {asked.model} --endpoint-type chat --streaming --ui none"
    words += f" --concurrency {asked.streams} --request-count {asked.requests} --isl 8"
    words += f" --osl {asked.tokens} --use-server-token-count --export-level records"
    where = ["--url", asked.origin, "--output-artifact-dir", str(asked.folder)]
    return [*words.split(), *where, "--tokenizer", asked.tokenizer]


def _read_aiperf(folder: Path, numbers: dict[str, int]) -> list[Reported]:
    lines = (folder / "profile_export.jsonl").read_text().splitlines()
    found = []
    for record in map(json.loads, lines):
        number = numbers.get(record["metadata"]["x_request_id"])
        if number is None or record.get("error"):
            continue
        figures: dict[str, Any] = {name: of["value"] for name, of in record["metrics"].items()}
        found.append(
            Reported(
                number,
                figures["time_to_first_token"] * MS,
                figures["request_latency"] * MS,
                [gap * MS for gap in figures["inter_chunk_latency"]],
            )
        )
    return found


def _guidellm(asked: Asked) -> list[str]:
    return [
        *("run", "--disable-console", "--output", f"kind=json,path={asked.folder}/result.json"),
        *("--backend", f"kind=openai_http,target={asked.origin},model={asked.model}"),
        *("--profile", f"kind=concurrent,streams={asked.streams}"),
        *("--constraint", f"kind=max_requests,count={asked.requests}"),
        *("--data", f"kind=synthetic_text,prompt_tokens=8,output_tokens={asked.tokens}"),
        *("--tokenizer", f"kind=hf_auto,model={asked.tokenizer}"),
    ]


def _read_guidellm(folder: Path, _: dict[str, int]) -> list[Reported]:
    (told,) = json.loads((folder / "result.json").read_text())["benchmarks"]
    return [
        Reported(
            numbered(one["output"]),
            one["time_to_first_token_ms"] * MS,
            one["request_latency"],
            mean_itl_s=one["inter_token_latency_ms"] * MS,
        )
        for one in told["requests"]["successful"]
    ]


PEERS = {
    "vllm": Peer(_vllm, _read_vllm),
    # Offline, its tokenizer loader takes no folder.
    "aiperf": Peer(_aiperf, _read_aiperf, offline=False),
    "guidellm": Peer(_guidellm, _read_guidellm),
}


class CpuCurve:
    """The CPU seconds of a process and all that came of it, over time."""

    def __init__(self, pid: int) -> None:
        """Begin with nothing used."""
        self._root = psutil.Process(pid)
        self._points: list[tuple[int, float]] = [(time.monotonic_ns(), 0.0)]

    def sample(self) -> None:
        """Add a point; processes that ended are in the account of their parents."""
        used = 0.0
        try:
            tree = [self._root, *self._root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        for process in tree:
            try:
                used += sum(process.cpu_times()[:4])
            except psutil.NoSuchProcess:
                continue
        self._points.append((time.monotonic_ns(), max(used, self._points[-1][1])))

    def between(self, begin_ns: int, end_ns: int) -> float:
        """CPU seconds used from one instant to another, interpolated."""
        return self._at(end_ns) - self._at(begin_ns)

    def _at(self, at_ns: int) -> float:
        before = self._points[0]
        for point in self._points:
            if point[0] >= at_ns:
                share = (at_ns - before[0]) / max(1, point[0] - before[0])
                return before[1] + share * (point[1] - before[1])
            before = point
        return before[1]


def run_peer(executable: Path, peer: Peer, asked: Asked) -> CpuCurve:
    """Run a tool to its end.

    Raises:
        NotMeasured: it failed or took longer than five minutes.
    """
    log = asked.folder / "log"
    environment = {**os.environ, "TOKENIZERS_PARALLELISM": "false"}
    if peer.offline:
        environment["HF_HUB_OFFLINE"] = "1"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(executable), *peer.command(asked)],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=asked.folder,
            env=environment,
        )
        curve = CpuCurve(process.pid)
        deadline = time.monotonic() + LONGEST_S
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(SAMPLE_S)
            curve.sample()
    if process.poll() is None:
        process.kill()
    if process.wait():
        tail = log.read_text(errors="replace").strip().splitlines()[-3:]
        raise NotMeasured(f"it ended with {process.returncode}: {' / '.join(tail)}")
    return curve
