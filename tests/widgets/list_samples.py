"""Views of the lists and tables, and lines of a log."""

from dataclasses import replace
from decimal import Decimal

from backends.domain.gpu import Gpu, GpuMemory, GpuProcess, GpuSample
from backends.domain.server import ServerState
from backends.domain.start import Outcome, PhaseName
from widgets.cold_probe_panel import ColdProbeView, PauseRow
from widgets.gpu_table import GpuTableView
from widgets.history_table import FindingRecord, HistoryView, SeriesRecord, StartRecord
from widgets.load_curve import LoadView
from widgets.load_plot import CurvePoint
from widgets.load_strip import LoadStripView
from widgets.server_table import ServerRow, ServersView
from widgets.welcome import WelcomeItem, WelcomeView

GIB = 1024**3

WELCOME = {
    "looking": WelcomeView(looking=True),
    "found": WelcomeView(
        (
            WelcomeItem("server", "8000", "port 8000 openai/gpt-oss-120b", "pid 4242, external"),
            WelcomeItem("model", "openai/gpt-oss-120b", "openai/gpt-oss-120b", "60.8 GiB"),
            WelcomeItem("model", "org/tiny", "org/tiny", "0.1 GiB"),
            WelcomeItem("vllm", "/opt/vllm/bin/vllm", "/opt/vllm/bin/vllm", "0.32.0"),
            WelcomeItem("demo", "demo", "demo", "everything simulated"),
        ),
        (("gpu", "no GPU: NVML is not installed"),),
    ),
    "wordy": WelcomeView(
        (
            WelcomeItem(
                "server",
                "4242",
                "openai/gpt-oss-120b",
                "port 8000, external, up 3:12:00, pid 4242, of user alice, in docker "
                "container 0123456789ab",
            ),
            WelcomeItem("demo", "demo", "the demo", "the full console, SIMULATED"),
        ),
        (
            (
                "model",
                "no model in /srv/models/hub; any Hugging Face model is downloaded on start",
            ),
            (
                "vllm",
                "no vllm on PATH, in an environment or a tool folder; install vllm or name it",
            ),
            (
                "gpu",
                (
                    "no NVIDIA driver library (libnvidia-ml.so.1) and no amdgpu device under "
                    "/sys/bus/pci/drivers/amdgpu"
                ),
            ),
        ),
    ),
}

_ROCM = ServerRow(
    "rocm",
    "docker rocm",
    ServerState.READY,
    model="openai/gpt-oss-120b",
    address="127.0.0.1:8001",
    gpus=(0,),
    used_bytes=168 * GIB,
    age_s=11520.0,
    restarts="0",
    owner="not inferctl",
)
SERVERS = {
    "none": ServersView(reason="no vLLM runs on this host, and no profile is configured"),
    "several": ServersView(
        (
            replace(
                _ROCM,
                name="chat",
                runtime="process",
                restarts="",
                share=0.42,
                usd=Decimal("3.36"),
                verdict="self host cheaper",
                owner="inferctl",
            ),
            _ROCM,
            replace(
                _ROCM,
                name="llama.service",
                runtime="systemd llama.service",
                state=ServerState.STARTING,
                phase="loading weights",
                address="",
                used_bytes=None,
                restarts="35 always",
            ),
            replace(_ROCM, name="broken", state=ServerState.FAILED, gpus=(), used_bytes=None),
            replace(
                _ROCM, name="ray-workers", runtime="ray", state=ServerState.UNKNOWN, address=""
            ),
        )
    ),
}

_H100 = "NVIDIA H100 80GB HBM3"
GPUS = {
    "none": GpuTableView(GpuSample((), "no GPU: NVML is not installed")),
    "two": GpuTableView(
        GpuSample(
            (
                Gpu(
                    0,
                    "GPU-1",
                    _H100,
                    "nvidia",
                    GpuMemory(
                        int(79.6 * GIB), int(71.2 * GIB), int(0.6 * GIB), False, "nvml memory v2"
                    ),
                    97.0,
                    651.0,
                    61.0,
                    (
                        GpuProcess(4242, "VLLM::EngineCore", 68 * GIB, "gpt-oss"),
                        GpuProcess(99, "python train.py", 3 * GIB, "other"),
                        GpuProcess(7, "Xorg", None),
                    ),
                ),
                Gpu(
                    1,
                    "GPU-2",
                    _H100,
                    "nvidia",
                    GpuMemory(None, None, None, False, "nvml", "GPU is lost"),
                    processes_reason="GPU is lost",
                ),
            )
        )
    ),
}
_WEDGED = "NVIDIA's driver has not answered for 7 s (see `dmesg` for GPU errors)"
REMARKS = {
    "three": GpuSample(
        (
            *GPUS["two"].sample.gpus,
            Gpu(
                2,
                "GPU-3",
                "AMD Instinct MI300X",
                "amd",
                GpuMemory(192 * GIB, 170 * GIB, None, False, "amdgpu sysfs vram"),
                processes=(),
                processes_reason="the driver lists no process though 170.0 GiB are held",
                reasons=(("power_w", "no hwmon"), ("temperature_c", "no hwmon")),
                throttled=("power cap",),
            ),
        ),
        _WEDGED,
    ),
}
HISTORY = {
    "none": HistoryView(),
    "mixed": HistoryView(
        (
            StartRecord(
                "s1",
                "2026-11-21 09:14",
                "gpt-oss",
                "openai/gpt-oss-120b",
                "0.32.0",
                Outcome.READY,
                61.2,
                PhaseName.LOAD_WEIGHTS,
                21.4,
            ),
            StartRecord("s2", "2026-11-20 18:02", "gpt-oss", outcome=Outcome.FAILED),
        ),
        (
            SeriesRecord(
                "x1", "2026-11-21 09:20", ("gpt-oss", "serverless"), 40, "A FASTER", (0.182, 0.31)
            ),
        ),
    ),
}
HISTORY["findings"] = replace(
    HISTORY["mixed"],
    findings=(
        FindingRecord(
            "l1",
            "2026-11-21 10:02",
            "gpt-oss",
            "load",
            "4.5 req/s",
            "812 reqs",
            "990 tok/s, 31 streams",
            "openai/gpt-oss-120b",
        ),
        FindingRecord(
            "h1", "2026-11-20 11:40", "serverless", "cold-start probe", "❄ cold 15m", "35 reqs"
        ),
    ),
)
_CURVE = (
    CurvePoint(1.0, 0.21, 0.34, 218.0, 3),
    CurvePoint(1.5, 0.24, 0.41, 330.0, 6),
    CurvePoint(2.2, None, None, None, 0, "unknown", "unknown: no request came in its time"),
    CurvePoint(3.4, 0.33, 0.82, 741.0, 14),
    CurvePoint(4.2, 0.71, 1.9, 905.0, 38, "broke", "6 of 84 requests missed a limit"),
    CurvePoint(5.1, 1.4, 4.2, 931.0, 96, "broke", "44 of 102 requests missed a limit"),
)
_BOUNDS = "limits: TTFT 1 s for 99 of 100 requests; at most 600 s, 5000 requests"
LOADS = {
    "begun": LoadView("gpt-oss", now_rps=1.0, now_left_s=22.0, bounds=_BOUNDS),
    "running": LoadView("gpt-oss", _CURVE[:4], 1.0, 4.2, 12.0, bounds=_BOUNDS),
    "over": LoadView(
        "gpt-oss",
        _CURVE,
        1.0,
        finding="gpt-oss carries 3.4 req/s (741 output tokens/s, 14 streams at once) with 812"
        " input and 220 output tokens a request",
        ended="ended: the limit is found; spent $0.42",
    ),
}
LOAD_STRIPS = {
    "none": LoadStripView(),
    "begun": LoadStripView("gpt-oss", 1.0, 22.0),
    "running": LoadStripView("gpt-oss", 4.2, 12.0, 3, "3.4 req/s kept its limits"),
    "over": LoadStripView("gpt-oss", said="gpt-oss carries 3.4 req/s with 812 input tokens"),
}
HUNTS = {
    "none": ColdProbeView("serverless: no data yet"),
    "cold": ColdProbeView(
        "serverless was seen COLD: after 15m idle, 3 of 3 requests, TTFT median 12.40 s against"
        " 412 ms warm (30x)",
        (
            PauseRow("warm", (0.4, 0.41, 0.42, 0.43, 0.6), "baseline", "10"),
            PauseRow("after 1m", (0.4, 0.41, 0.44), "warm", "3/3"),
            PauseRow("after 5m", (0.4, 0.43, 3.1), "unsure", "3/3"),
            PauseRow("after 15m", (11.9, 12.4, 13.1), "cold", "3/3"),
            PauseRow("after 1h", (), "unsure", "0/3"),
        ),
        0.82,
        (
            "to prevent it: one request with max_tokens 1 every 1m, 1440 a day, $0.0039 a day",
            "23 requests, spent $0.0001",
        ),
    ),
}
LOG = (
    "(APIServer pid=1) INFO 11-21 09:00:00 [api_server.py:1] vLLM API server version 0.32.0",
    "(EngineCore pid=2) WARNING 11-21 09:00:01 [config.py:2] Using default sampling parameters",
    "Loading safetensors checkpoint shards: 60% 9/15 \x1b[31mred\x1b[0m [b]no markup[/b]",
    "(EngineCore pid=2) ERROR 11-21 09:00:02 [core.py:3] EngineCore failed to start."
    + " more" * 20,
)
