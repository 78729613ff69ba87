"""What the GPUs drew, as they told it: as a document and in a line."""

from typing import Any

from backends.domain.decision.scenario import Scenario
from backends.domain.format import figure, lasting, usd
from backends.domain.prices.amounts import digits
from backends.operations.billing import EnergyUse


def energy_document(used: EnergyUse) -> dict[str, Any]:
    """Return it with stable keys; None is what is not known."""
    return {
        "kwh": None if used.kwh is None else float(used.kwh),
        "measured_s": used.measured_s,
        "usd": digits(used.usd),
        "reason": used.reason or None,
    }


def energy_line(used: EnergyUse, plan: Scenario) -> str:
    """Return it with the tariff of the plan that it is paid by."""
    if used.kwh is None:
        return f"energy: unknown, for {used.reason}"
    pue = f", PUE {figure(plan.pue)}" if plan.pue is not None else ""
    measured = f"{figure(used.kwh)} kWh measured in {lasting(used.measured_s)}"
    return f"energy: {measured}, {usd(used.usd)} at {usd(plan.usd_per_kwh)} a kWh{pue}"
