"""``inferctl endpoint add | check | presets``: an API in the configuration, and what it can do."""

import argparse
import asyncio

from backends.operations import endpoint
from backends.operations.host import this_host
from backends.problem import UsageProblem
from backends.settings.presets import left_out, preset, presets
from console.cli.output import document, say, show


def run(arguments: argparse.Namespace) -> int:
    """Do one of the three; 1 where the endpoint that is checked does not answer.

    Raises:
        Problem: the preset, the endpoint or its key cannot be had, or the file has faults.
    """
    if arguments.action == "add":
        return _add(arguments)
    if arguments.action == "check":
        return _check(arguments)
    return _presets(as_json=arguments.json)


def _add(arguments: argparse.Namespace) -> int:
    chosen = preset(arguments.preset)
    fill = dict(_pair(word) for word in arguments.fill)
    path = endpoint.add(
        arguments.name,
        chosen,
        model=arguments.model,
        base_url=arguments.base_url,
        fill=fill,
    )
    url = arguments.base_url or chosen.values["base_url"]
    for word, value in fill.items():
        url = url.replace(word, value)
    left = endpoint.to_fill_in(chosen, url, arguments.model)
    if arguments.json:
        document({"endpoint": arguments.name, "file": str(path), "to_fill_in": list(left)})
    say(
        f"[endpoint.{arguments.name}] is in {path}"
        + (f"; fill in {', '.join(left)}" if left else "")
    )
    if variable := chosen.values.get("api_key_env"):
        say(f"its key is read from {variable}; then run: inferctl endpoint check {arguments.name}")
    return 0


def _pair(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise UsageProblem(f"--fill {word} is not WORD=VALUE")
    return name, value


def _check(arguments: argparse.Namespace) -> int:
    checked = asyncio.run(endpoint.check(arguments.name, this_host(), arguments.timeout))
    if arguments.json:
        document(checked.document)
    else:
        target = checked.target
        show(f"{target.endpoint}  {target.base_url}  {target.model}")
        for check in checked.checks:
            show(f"  {check.outcome:8} {check.about}: {check.text}")
    return 1 if checked.run.error else 0


def _presets(*, as_json: bool) -> int:
    if as_json:
        rows = [
            {
                "name": each.name,
                "title": each.title,
                "base_url": each.values["base_url"],
                "to_fill_in": list(each.to_fill_in),
                "source": each.source,
                "as_of": each.as_of.isoformat(),
                "note": each.note,
            }
            for each in presets().values()
        ]
        document({"presets": rows, "left_out": dict(left_out())})
        return 0
    for each in presets().values():
        show(f"{each.name:18} {each.title}: {each.source} ({each.as_of})")
    for name, reason in left_out().items():
        show(f"{name:18} left out: {reason}")
    return 0
