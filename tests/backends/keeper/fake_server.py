"""A stand-in for ``vllm serve`` that takes its orders from environment variables.

It is a tree of three processes like vLLM's: this one serves HTTP, its child and grandchild sleep.
``FAKE_READY_S`` delays the listening socket, ``FAKE_IGNORE_TERM`` says how many SIGTERMs the first
process swallows, ``FAKE_LINES`` how many lines are written at once, ``FAKE_EXIT`` makes it end with
that code, ``FAKE_LAST_WORDS`` are written before that, ``FAKE_CHATTER_S`` says how often it writes
a line when ready, ``FAKE_STUBBORN`` lets the children ignore SIGTERM, ``FAKE_LOCKED`` is a key that
nobody else knows, ``FAKE_GROUP`` is a cgroup to enter, ``FAKE_HUNGRY`` makes it take memory without
end after ``FAKE_READY_S``, and ``FAKE_SECOND_UP_S`` lets it be two API servers on one port, of
which the second is up so much later.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SLEEPER = """
import os, signal, subprocess, sys, time
def end(*_):
    if worker:
        worker.terminate()
    os._exit(0)
worker = None
signal.signal(signal.SIGTERM, signal.SIG_IGN if os.environ.get("FAKE_STUBBORN") else end)
if sys.argv[1] == "engine":
    worker = subprocess.Popen([sys.executable, "-c", sys.argv[2], "worker", ""])
try:
    os.write(1, f"sleeping {sys.argv[1]}\\n".encode())
except BrokenPipeError:
    pass
time.sleep(600)
"""


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            key = os.environ.get("FAKE_LOCKED") or os.environ.get("VLLM_API_KEY")
            if key and self.headers["Authorization"] != f"Bearer {key}":
                return self._say(401, {"error": "Unauthorized"})
            return self._say(200, {"data": [{"id": os.environ.get("FAKE_MODEL", "fake")}]})
        if self.path == "/metrics":
            running = os.environ.get("FAKE_RUNNING", "0")
            return self._say(200, f'vllm:num_requests_running{{engine="0"}} {running}\n')
        return self._say(200 if not os.environ.get("FAKE_ILL") else 503, "")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != os.environ.get("FAKE_COMPLETES_AT", "/v1/chat/completions"):
            return self._say(404, {"error": {"message": "does not support this"}})
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for delta, tokens in (({"role": "assistant", "content": ""}, 0), ({"content": ""}, 1)):
            self._chunk({"choices": [{"delta": delta}], "usage": {"completion_tokens": tokens}})
        self.wfile.write(b"c\r\ndata: [DONE]\r\n0\r\n\r\n")
        return None

    def _chunk(self, document: object) -> None:
        data = b"data: " + json.dumps(document).encode() + b"\n\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _say(self, status: int, document: object) -> None:
        body = document.encode() if isinstance(document, str) else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    port = int(sys.argv[sys.argv.index("--port") + 1])
    swallowed = int(os.environ.get("FAKE_IGNORE_TERM", "0"))

    def terminate(*_: object) -> None:
        nonlocal swallowed
        swallowed -= 1
        if swallowed < 0:
            engine.send_signal(signal.SIGTERM)
            os._exit(0)

    if group := os.environ.get("FAKE_GROUP"):
        Path(group, "cgroup.procs").write_text(str(os.getpid()))
    engine = subprocess.Popen([sys.executable, "-c", SLEEPER, "engine", SLEEPER])
    signal.signal(signal.SIGTERM, terminate)
    signal.signal(signal.SIGINT, terminate)
    print("INFO Starting to load model", flush=True)
    for number in range(int(os.environ.get("FAKE_LINES", "0"))):
        # One write for each line, as a logger does: others write to the same pipe.
        os.write(1, f"line {number:08d} {'x' * 80}\n".encode())
    code = os.environ.get("FAKE_EXIT")
    if words := os.environ.get("FAKE_LAST_WORDS", "ValueError: no such thing" if code else ""):
        print(words, flush=True)
    if code:
        sys.exit(int(code))
    time.sleep(float(os.environ.get("FAKE_READY_S", "0")))
    taken = []
    while os.environ.get("FAKE_HUNGRY"):
        taken.append(bytearray(1 << 20))
    second_up_s = os.environ.get("FAKE_SECOND_UP_S")
    if second_up_s:
        print("INFO 11-21 08:00:00 [a.py:1] vLLM API server version 0.32.0", flush=True)
        print("INFO 11-21 08:00:00 [a.py:1] Started 2 API server processes", flush=True)
    server = ThreadingHTTPServer(("127.0.0.1", port), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("INFO:     Application startup complete.", flush=True)
    if second_up_s:
        time.sleep(float(second_up_s))
        print("INFO:     Application startup complete.", flush=True)
    chatter_s = float(os.environ.get("FAKE_CHATTER_S", "0"))
    while engine.poll() is None:
        time.sleep(chatter_s or 0.1)
        with contextlib.suppress(BrokenPipeError):
            if chatter_s:
                print("INFO Engine 000: Avg prompt throughput", flush=True)
    print("EngineDeadError: EngineCore encountered an issue.", flush=True)
    os._exit(0)


main()
