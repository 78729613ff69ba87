"""Writes docs/providers.md from the presets and the shapes: `make providers-page`."""

from pathlib import Path

from backends.settings.presets import left_out, presets
from backends.simulated.shape import Golden, Shape
from backends.simulated.shapes import SHAPES

PAGE = Path(__file__).parents[3] / "docs" / "providers.md"

HEAD = """\
# Providers

Made by `make providers-page` from `backends/settings/presets.toml` and
the shapes of `backends/simulated`; a change here is lost.

## Presets

`inferctl endpoint add NAME --preset P --model M` writes the table of one, with its source and date;
`inferctl endpoint check NAME` sends one request and says what works, was adapted and is missing.
"""

MIDDLE = """
## Shapes that are read

`python -m backends.simulated.conformance` serves each below `/MODE/v1`, and so does the simulated
endpoint of the demo; the tests hold every one against what stands here.
"""


def page() -> str:
    """Return the whole page."""
    rows = ["| preset | provider | address | key | source, read |", "|---|---|---|---|---|"]
    for each in presets().values():
        values = each.values
        command = " ".join(values.get("api_key_command", ()))
        key = values.get("api_key_env") or command or ", ".join(values.get("headers", ()))
        how = f", `{values['auth']}`" if "auth" in values else ""
        rows.append(
            f"| `{each.name}` | {each.title} | `{values['base_url']}` | `{key}`{how}"
            f" | {each.source}, {each.as_of} |"
        )
    missing = ["", "Left out:", ""]
    missing += [f"- `{name}`: {reason}" for name, reason in left_out().items()]
    shapes = ["| mode | what comes | read as |", "|---|---|---|"]
    shapes += [f"| `{name}` | {each.about} | {_read_as(each)} |" for name, each in SHAPES.items()]
    return "\n".join([HEAD, *rows, *missing, MIDDLE, *shapes]) + "\n"


def _read_as(shape: Shape) -> str:
    golden, usual = shape.golden, Golden()
    if golden.error and not golden.text:
        return f"one failed run: `{golden.error.replace('.*', ' … ')}`"
    parts = [] if not golden.error else [f"one failed run: `{golden.error}`"]
    counts = [f"{golden.output_tokens or 'no'} tokens"]
    if golden.reasoning_tokens:
        counts.append(f"{golden.reasoning_tokens} of them thoughts")
    if golden.cached_tokens:
        counts.append(f"{golden.cached_tokens} cached")
    parts.append(", ".join(counts))
    if golden.provider_cost_usd:
        parts.append(f"${golden.provider_cost_usd}")
    if golden.answered_provider:
        parts.append(f"answered by {golden.answered_provider}")
    if golden.server_ttft_s:
        parts.append(f"{golden.server_ttft_s:g} s of queue and prefill")
    if golden.cold:
        parts.append("a cold start, timed apart")
    elif golden.waited_for:
        parts.append("a wait outside the measurement")
    if golden.not_sent:
        parts.append(f"without {', '.join(golden.not_sent)}")
    if golden.flags != usual.flags:
        parts.append(", ".join(f"`{flag}`" for flag in golden.flags))
    return "; ".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page())
