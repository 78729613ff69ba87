"""The commands that mend what a verdict lacks, also where a scenario file is all there is."""

from backends.domain.decision.exclusion import Remedies, Remedy


def remedies(server: str = "") -> Remedies:
    """Return the commands, for a server that a load can measure; without one, for any endpoint."""
    return Remedies(
        measure=Remedy(f"inferctl load {server or 'ENDPOINT'}"),
        confirm=Remedy("inferctl prices set"),
    )
