"""What the phases are called, where there is room and where there is little."""

from backends.domain.start import PhaseName

LONG_NAMES = {
    PhaseName.LAUNCH: "launch",
    PhaseName.CONFIGURE: "configure",
    PhaseName.SPAWN_ENGINE: "spawn engine",
    PhaseName.INIT_DEVICES: "init devices",
    PhaseName.DOWNLOAD: "download",
    PhaseName.LOAD_WEIGHTS: "load weights",
    PhaseName.COMPILE: "compile",
    PhaseName.PROFILE_MEMORY: "profile memory",
    PhaseName.ALLOCATE_KV_CACHE: "allocate KV cache",
    PhaseName.WARM_UP_KERNELS: "warm up kernels",
    PhaseName.CAPTURE_GRAPHS: "capture graphs",
    PhaseName.START_API: "start API",
    PhaseName.FIRST_TOKEN: "first token",
    PhaseName.JIT_BUILD: "JIT build",
    PhaseName.UNLOGGED: "unlogged",
}
SHORT_NAMES = LONG_NAMES | {
    PhaseName.PROFILE_MEMORY: "profile mem",
    PhaseName.ALLOCATE_KV_CACHE: "KV cache",
    PhaseName.WARM_UP_KERNELS: "warm-up",
    PhaseName.CAPTURE_GRAPHS: "graphs",
}
