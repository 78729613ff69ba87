"""What one server takes of the host that is rented: its GPUs, and so its price."""

import math
from decimal import Decimal

from backends.domain.vllm_arguments import value_of
from backends.settings.config import Billing, Profile

PARALLEL = (
    ("--tensor-parallel-size", "-tp"),
    ("--pipeline-parallel-size", "-pp"),
    ("--data-parallel-size", "-dp"),
)
"""vLLM's arguments whose product is the number of GPUs that one server takes."""


def gpus_of(profile: Profile) -> int:
    """Return how many GPUs a profile's server takes."""
    given = (value_of(flags, profile.args) for flags in PARALLEL)
    return math.prod(int(value) for value in given if value and value.isdecimal())


def server_usd_per_hour(profile: Profile | None, billing: Billing) -> Decimal | None:
    """Return what one server like this costs an hour: one replica of the plan."""
    if profile is None or profile.gpu_usd_per_hour is None:
        return None
    return profile.gpu_usd_per_hour * (gpus_of(profile) if billing.gpus else 1)
