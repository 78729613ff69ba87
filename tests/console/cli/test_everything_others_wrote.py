"""Every verb in every format, on a host where others wrote everything.

Verbs and formats are those that the parser lists, and every text of a fact or record is filled in
by its type: what is added later is looked at without anybody naming it.
"""

import argparse
import json
import re
import stat
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backends.domain.server import Server
from backends.domain.study.study import SCHEMA, Study
from backends.settings.paths import state_folder
from console.cli.parser import ON_SCREEN, VERBS, build_parser
from tests.backends.prober.scripted_server import CHUNKED_HEAD, Conversation, serving
from tests.console.cli.conftest import Cli, configure
from tests.console.cli.hostile import forged, hostile, obeyed
from tests.console.conftest import free_port
from tests.console.hostile_host import (
    LOAD_ID,
    PROBE_ID,
    SERIES_ID,
    STORED,
    Cards,
    fill_state,
    log_text,
    stored,
)

FORMATS = ("--json", "--csv", "--markdown", "--report", "--svg")
IDS = (SERIES_ID, LOAD_ID, PROBE_ID)
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "start": ("chat --force", "broken --force --wait"),
    "stop": ("chat",),
    "restart": ("broken --force --wait",),
    "sleep": ("chat",),
    "wake": ("chat",),
    "status": ("", "chat"),
    "logs": ("chat",),
    "adopt": ("--port 9",),
    "explain": ("LOG", "LOG --exit-status"),
    "coldstart": ("broken -n 1 --yes --force",),
    "gpus": ("",),
    "ab": ("api api --yes --timeout 5",),
    "load": ("api --yes --step 1 --for 1 --requests 2",),
    "coldprobe": ("api --status",),
    "cost": ("",),
    "verdict": ("",),
    "metrics": ("",),
    "prices list": ("",),
    "prices set": ("p/m --input 1 --output 2",),
    "prices update": ("CATALOGUE",),
    "history": ("", *IDS),
    "export": (
        *("starts", "series", "runs", "loads", "coldprobes"),
        *(f"series {SERIES_ID}", f"runs {SERIES_ID}", f"loads {LOAD_ID}", f"coldprobes {PROBE_ID}"),
    ),
    "config init": ("m --vllm vllm", "m --image i"),
    "config check": ("",),
    "config schema": ("",),
    "advise": ("chat --for 1",),
    "study run": ("broken http://127.0.0.1:9/v1#m --quick --yes",),
    "study verify": ("STUDY",),
    "study compare": ("STUDY STUDY",),
    "endpoint presets": ("",),
    "endpoint check": ("api",),
    "endpoint add": ("other --preset openai",),
    "agent status": ("",),
    "agent start": ("",),
    "agent stop": ("",),
    "doctor": ("",),
}
"""What each verb is given; one that is missing here fails `test_every_verb_is_looked_at`."""


def formats_of(parser: argparse.ArgumentParser) -> tuple[str, ...]:
    """Return the options by which a verb changes the form of what it prints, text among them."""
    known = {option for action in parser._actions for option in action.option_strings}
    return ("", *(form for form in FORMATS if form in known))


def verbs() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield every verb, or verb and action, with its parser."""
    parsers = build_parser()._subparsers
    assert parsers is not None
    for name, parser in parsers._group_actions[0].choices.items():  # type: ignore[union-attr]
        if parser._subparsers is None:
            yield name, parser
        else:
            actions = parser._subparsers._group_actions[0].choices
            yield from ((f"{name} {action}", one) for action, one in actions.items())


CASES = [
    f"{verb} {given} {form}".split()
    for verb, parser in verbs()
    for given in ARGUMENTS.get(verb, ())
    for form in formats_of(parser)
]


def test_every_verb_is_looked_at() -> None:
    printing = {name for name, _ in verbs() if name not in ON_SCREEN}
    assert printing == set(ARGUMENTS)
    assert {name.split()[0] for name in printing} == {each[0] for each in VERBS} - ON_SCREEN


def hostile_reply(conversation: Conversation) -> None:
    """Stream a reply in which everything that may hold text holds the mark."""
    choice = {"index": 0, "delta": {"content": STORED, "reasoning": STORED}}
    conversation.write(CHUNKED_HEAD)
    for event in (
        {"id": STORED, "model": STORED, "choices": [choice]},
        {"id": STORED, "model": STORED, "choices": [{**choice, "finish_reason": STORED}]},
        {"error": {"message": STORED, "type": STORED, "code": STORED}},
    ):
        conversation.event(json.dumps(event))
    conversation.event("[DONE]")
    conversation.end()


@pytest.fixture
def hostile_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Make the whole host an attacker's; return what stands for words in `ARGUMENTS`."""
    fill_state(state_folder())
    log, catalogue = tmp_path / "vllm.log", tmp_path / "catalogue.json"
    log.write_text(log_text(), encoding="utf-8")
    study = tmp_path / "study.json"
    samples = stored(replace(hostile(Study), schema=SCHEMA))
    study.write_text(json.dumps({"schema": SCHEMA, "study": samples, "figures": [STORED]}))
    model = {"cost": {"input": 1, "output": 2}, "name": STORED, "id": STORED}
    catalogue.write_text(json.dumps({STORED: {"id": STORED, "models": {STORED: model}}}))
    program = tmp_path / "vllm"
    program.write_text(f"#!{sys.executable}\nprint({log_text()!a})\nraise SystemExit(1)\n")
    program.chmod(stat.S_IRWXU)
    monkeypatch.setattr("backends.operations.host.open_this_hosts_gpus", Cards)
    monkeypatch.setattr("console.cli.host.open_this_hosts_gpus", Cards)
    monkeypatch.setattr("console.cli.status.open_this_hosts_gpus", Cards)
    monkeypatch.setattr("backends.servers.listing.external_servers", lambda *_: [hostile(Server)])
    with serving(hostile_reply) as endpoint:
        configure(
            f'[server.chat]\nmodel = "org/model"\nport = {free_port()}\n'
            f'[server.broken]\nmodel = "org/model"\nvllm = "{program}"\nport = {free_port()}\n'
            f'gpu_usd_per_hour = "1"\n'
            f'[endpoint.api]\nbase_url = "{endpoint.base_url}"\nmodel = "org/model"\n'
        )
        yield {"LOG": str(log), "CATALOGUE": str(catalogue), "STUDY": str(study)}


def outside_fences(markdown: str) -> str:
    """Return what of a text is not quoted as code, in which nothing is markup."""
    return re.sub(r"^(`{3,})\w*\n.*?^\1$", "", markdown, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.process
@pytest.mark.parametrize("argv", CASES, ids=" ".join)
def test_no_verb_obeys_what_others_wrote(
    argv: list[str], hostile_host: dict[str, str], cli: Cli
) -> None:
    ran = cli(*(hostile_host.get(word, word) for word in argv))
    assert "Traceback" not in ran.err
    for text in (ran.out, ran.err):
        assert obeyed(text) == set()
        assert forged(text) == []
    if "--csv" in argv:
        assert not [line for line in ran.out.splitlines() if line.startswith("=")]
        assert ",=cmd" not in ran.out
    if {"--markdown", "--report", "--svg"} & set(argv):
        assert re.search(r"(?<!\\)<script", outside_fences(ran.out)) is None
