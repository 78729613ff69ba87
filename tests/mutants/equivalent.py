"""Faults that change nothing that anybody could see, each with its reason; they are not drawn."""

EQUIVALENT: dict[tuple[str, str, str], str] = {
    (
        "backends/keeper/service.py",
        "constant",
        "65536",
    ): "how much is read at once decides no byte of what is sent",
}
"""By path, operator and what stands there."""
