"""What one server takes of the host that is rented: its GPUs, and so its price."""

from decimal import Decimal

from backends.settings.config import Billing, Profile

PARALLEL = {
    "--tensor-parallel-size": "-tp",
    "--pipeline-parallel-size": "-pp",
    "--data-parallel-size": "-dp",
}
"""vLLM's arguments whose product is the number of GPUs that one server takes."""


def gpus_of(profile: Profile) -> int:
    """Return how many GPUs a profile's server takes."""
    count = 1
    for place, word in enumerate(profile.args):
        flag, has_value, value = word.replace("_", "-").partition("=")
        if flag in PARALLEL or flag in PARALLEL.values():
            following = profile.args[place + 1] if place + 1 < len(profile.args) else ""
            given = value if has_value else following
            count *= int(given) if given.isdigit() else 1
    return count


def server_usd_per_hour(profile: Profile | None, billing: Billing) -> Decimal | None:
    """Return what one server like this costs an hour: one replica of the plan."""
    if profile is None or profile.gpu_usd_per_hour is None:
        return None
    return profile.gpu_usd_per_hour * (gpus_of(profile) if billing.gpus else 1)
