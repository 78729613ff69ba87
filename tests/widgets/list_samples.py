"""Views of the lists and tables, and lines of a log."""

from backends.domain.gpu import Gpu, GpuMemory, GpuProcess, GpuSample
from backends.domain.start import Outcome, PhaseName
from widgets.gpu_table import GpuTableView
from widgets.history_table import HistoryView, SeriesRecord, StartRecord
from widgets.welcome import WelcomeItem, WelcomeView

GIB = 1024**3

WELCOME = {
    "looking": WelcomeView(looking=True),
    "found": WelcomeView(
        (
            WelcomeItem("server", "8000", "port 8000 openai/gpt-oss-120b", "pid 4242, foreign"),
            WelcomeItem("model", "openai/gpt-oss-120b", "openai/gpt-oss-120b", "60.8 GiB"),
            WelcomeItem("model", "org/tiny", "org/tiny", "0.1 GiB"),
            WelcomeItem("vllm", "/opt/vllm/bin/vllm", "/opt/vllm/bin/vllm", "0.32.0"),
            WelcomeItem("demo", "demo", "demo", "everything simulated"),
        ),
        (("gpu", "no GPU: NVML is not installed"),),
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
LOG = (
    "(APIServer pid=1) INFO 11-21 09:00:00 [api_server.py:1] vLLM API server version 0.32.0",
    "(EngineCore pid=2) WARNING 11-21 09:00:01 [config.py:2] Using default sampling parameters",
    "Loading safetensors checkpoint shards: 60% 9/15 \x1b[31mred\x1b[0m [b]no markup[/b]",
    "(EngineCore pid=2) ERROR 11-21 09:00:02 [core.py:3] EngineCore failed to start."
    + " more" * 20,
)
