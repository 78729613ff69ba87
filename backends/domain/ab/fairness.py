"""What each target was compared as, and whether its answers are those of the same model."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from backends.domain.ab.answers import answered_by
from backends.domain.ab.comparability import answered_model, thought_share
from backends.domain.ab.run import Run, TargetName
from backends.domain.ab.series import AbSeries
from backends.domain.model_names import quantisation_in

ALIKE_CHARACTERS = 40
LEAST_PAIRS = 3


@dataclass(frozen=True, slots=True)
class ComparedAs:
    """What a target was, as far as it says; None where it does not.

    Attributes:
        model: the one that answered, else the one that was asked.
        effort: the reasoning effort that was asked for.
        quantisation: as the model's name gives it away.
    """

    model: str
    answered: bool
    provider: str | None
    effort: str | None
    output_tokens: float | None
    thought_share: float | None
    quantisation: str | None


@dataclass(frozen=True, slots=True)
class Alike:
    """How many answers of two targets to the same run begin with the same characters."""

    pairs: int
    alike: int
    characters: int = ALIKE_CHARACTERS


def compared_as(series: AbSeries, name: TargetName) -> ComparedAs:
    """Return what a target was compared as."""
    began = series.began
    place = [target for target, _ in began.targets].index(name)
    asked = began.models[place] if place < len(began.models) else ""
    runs = [run for run in series.target(name) if not run.error]
    model, providers = answered_model(runs), {run.answered_provider for run in runs} - {None}
    lengths = [run.output_tokens for run in runs if run.output_tokens is not None]
    return ComparedAs(
        model=model or asked,
        answered=model is not None,
        provider=" and ".join(sorted(map(str, providers))) or None,
        effort=(began.efforts[place] if place < len(began.efforts) else "") or None,
        output_tokens=median(lengths) if lengths else None,
        thought_share=thought_share(runs),
        quantisation=quantisation_in(model or asked),
    )


def compared_text(found: ComparedAs, runs: Sequence[Run]) -> str:
    """Return in one line what a target was compared as."""
    who = answered_by([run for run in runs if not run.error])
    parts = [who or f"{found.model}, by its own name"]
    if found.effort:
        parts.append(f"effort {found.effort}")
    if found.output_tokens is not None:
        parts.append(f"{found.output_tokens:g} tokens out")
    if found.thought_share:
        parts.append(f"{found.thought_share:.0%} of them thoughts")
    if found.quantisation:
        parts.append(found.quantisation)
    return ", ".join(parts)


def alike(series: AbSeries, one: TargetName, other: TargetName) -> Alike | None:
    """Return how many answers begin alike; None with sampling, or without three pairs of texts."""
    if series.began.temperature != 0:
        return None
    ours, theirs = (_texts(series.target(name)) for name in (one, other))
    both = ours.keys() & theirs.keys()
    if len(both) < LEAST_PAIRS:
        return None
    return Alike(len(both), sum(ours[index] == theirs[index] for index in both))


def alike_text(found: Alike, one: TargetName, other: TargetName) -> str:
    """Return in one line how many answers begin alike, and what that hints at."""
    hint = "as those of the same model do" if found.alike * 2 >= found.pairs else ""
    hint = hint or "which another model, or another prompt template, would explain"
    return (
        f"{found.alike} of {found.pairs} answers of {one} and {other} begin with the same"
        f" {found.characters} characters at temperature 0, {hint}"
    )


def _texts(runs: Sequence[Run]) -> dict[int, str]:
    """The beginning of each answer, without spaces at its ends."""
    return {
        run.index: text[:ALIKE_CHARACTERS]
        for run in runs
        if not run.error and (text := run.text.strip())
    }
