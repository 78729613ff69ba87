"""What the phases are called where there is little room."""

from backends.domain.start import PHASE_TITLES, PhaseName

SHORT_NAMES = PHASE_TITLES | {
    PhaseName.PROFILE_MEMORY: "profile mem",
    PhaseName.ALLOCATE_KV_CACHE: "KV cache",
    PhaseName.WARM_UP_KERNELS: "warm-up",
    PhaseName.CAPTURE_GRAPHS: "graphs",
}
