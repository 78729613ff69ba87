"""What a command line may load: headless verbs answer at once, without Textual or openai."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
TELL = (
    "import atexit, sys\n"
    "atexit.register(lambda: print('LOADED', *sorted(sys.modules), file=sys.stderr))\n"
    "sys.argv = ['inferctl', *sys.argv[1:]]\n"
    "from console.__main__ import main\n"
    "sys.exit(main())\n"
)
HEAVY = {"textual", "openai", "rich", "httpx", "tomlkit"}


def loaded(*argv: str) -> set[str]:
    """Return the top-level modules that a command line loaded."""
    ran = subprocess.run(
        [sys.executable, "-c", TELL, *argv],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert "Traceback" not in ran.stderr, ran.stderr
    (line,) = [each for each in ran.stderr.splitlines() if each.startswith("LOADED ")]
    return {name.split(".")[0] for name in line.split()}


@pytest.mark.parametrize("argv", [("--help",), ("--version",), ("start", "--help")], ids=" ".join)
def test_help_loads_nothing_but_the_grammar(argv: tuple[str, ...]) -> None:
    assert not loaded(*argv) & (HEAVY | {"msgspec", "psutil", "asyncio", "widgets"})


@pytest.mark.parametrize(
    "argv",
    [
        ("status", "--json"),
        ("start", "nobody"),
        ("stop", "nobody"),
        ("logs", "nobody"),
        ("explain", "missing.log"),
        ("gpus",),
        ("ab", "nobody", "nobody"),
        ("cost",),
        ("verdict",),
        ("doctor",),
    ],
    ids=lambda argv: argv[0],
)
def test_no_headless_verb_loads_the_console(argv: tuple[str, ...]) -> None:
    assert not loaded(*argv) & {"textual", "openai", "rich"}


@pytest.mark.parametrize("module", ["backends.domain.session", "backends.domain.decision.verdict"])
def test_the_domain_is_pure(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    third_party = {"msgspec", "psutil", "pynvml", "openai", "textual", "tomlkit", "platformdirs"}
    assert not {name.split(".")[0] for name in ran.stdout.split()} & third_party
