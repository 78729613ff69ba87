"""Another user's server on this host, which names its model to do harm to whoever lists it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.console.cli.conftest import Cli
from tests.console.cli.hostile import MARK, forged, obeyed
from tests.console.stage import free_port

FAKE = """
import http.server, json, sys

class Models(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"object": "list", "data": [{"id": MARK, "object": "model"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

http.server.HTTPServer(("127.0.0.1", int(sys.argv[-1])), Models).serve_forever()
"""


@pytest.fixture(autouse=True)
def _nobody_else() -> None:
    """Let the servers of others into the lists: these tests are about them."""


@contextmanager
def hostile_neighbour(folder: Path) -> Iterator[int]:
    """Run what looks like another user's ``vllm serve`` and names its model to do harm."""
    script, port = folder / "vllm", free_port()
    model = MARK.replace("\ud800", "")  # no JSON that anybody reads has half a pair
    script.write_text(f"MARK = {model!a}\n{FAKE}")
    process = subprocess.Popen(
        [sys.executable, str(script), "serve", "m", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield port
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    "port", ["²", "9" * 5000, "-1", "\u0663"], ids=["superscript", "long", "negative", "arabic"]
)
def test_a_port_that_is_none_hides_no_server(port: str, tmp_path: Path, cli: Cli) -> None:
    script = tmp_path / "vllm"
    script.write_text("import time\ntime.sleep(600)\n")
    arguments = ("serve", "m", "--port", port, "--shutdown-timeout", port)
    process = subprocess.Popen([sys.executable, str(script), *arguments])
    try:
        deadline = time.monotonic() + 30
        while str(process.pid) not in (ran := cli("status")).out:
            assert time.monotonic() < deadline, ran
            assert ran.code == 0, ran
    finally:
        process.kill()
        process.wait()


def test_the_model_of_a_hostile_neighbour_is_shown_and_not_obeyed(tmp_path: Path, cli: Cli) -> None:
    with hostile_neighbour(tmp_path) as port:
        deadline = time.monotonic() + 30
        ran = cli("status", f"vllm-{port}")
        while "FORGED" not in ran.out:
            assert time.monotonic() < deadline, ran
            ran = cli("status", f"vllm-{port}")
        adopted = cli("adopt", "--port", str(port))
        shown = cli("status", f"vllm-{port}", "--json")
    for text in (ran.out, ran.err, adopted.out, adopted.err, shown.out):
        assert obeyed(text) == set()
        assert forged(text) == []
    assert shown.json()["servers"][0]["model"].startswith("=cmd")
