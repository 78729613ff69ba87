"""What docs/verdict.md says is what there is."""

from pathlib import Path

from backends.domain.decision.outcome import VerdictKind
from backends.domain.decision.scenario import KEYS, scenario_from
from backends.scenarios.reading import scenario_of

PAGE = Path(__file__).parents[4] / "docs" / "verdict.md"


def test_every_key_and_every_word_is_documented() -> None:
    page = PAGE.read_text(encoding="utf-8")
    keys = set(KEYS)
    assert {key for key in keys if f"`{key}`" not in page and f"`{key} =" not in page} == set()
    assert {kind for kind in VerdictKind if f"`{kind.value}`" not in page} == set()


def test_the_example_is_a_scenario() -> None:
    page = PAGE.read_text(encoding="utf-8")
    example = page.split("```toml\n")[1].split("```")[0]
    scenario = scenario_of(example, "docs/verdict.md", json_text=False)
    assert scenario != scenario_from({})
    assert len(scenario.token_distribution) == 2
