"""Names of hosts, people, folders, models and accounts in a log, replaced by neutral ones."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from backends.domain.start import Start
from backends.domain.startup.settings import KEPT

_SETTING = re.compile(
    r"\b\w+=\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}(?:, )?|"
    r"""(?P<name>'\w+': |\b\w+=)(?P<value>'[^']*'|"[^"]*"|[^\s,()'"\[\]{}]++(?!\())?(?:, )?"""
    r"""|'[^']*'|"[^"]*\""""
)
_MODEL_IN_ARGUMENTS = re.compile(
    r"'?\b(?:model|model_tag|tokenizer|served_model_name|model_path)'?(?:: |=)\[?'?([^\s,'\]]+)"
)
_HEAD = re.compile(
    r"^(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) [\w.-]+ [\w@./-]+(?P<pid>\[\d+\]: )"
)
LONGEST = 300
"""Characters of an exception's sentence; its kind and figures stand before."""

_RULES = (
    (re.compile(r"\b(?:hf_|sk-|nvapi-)[\w-]{8,}"), "hf_token"),
    (re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.]+"), "someone@example.com"),
    (
        re.compile(r"(?<![\w.])(?!0\.0\.0\.0|127\.0\.0\.1)\d{1,3}(?:\.\d{1,3}){3}(?![\w.+])"),
        "10.0.0.1",
    ),
    (
        re.compile(r"(?<=://)(?!huggingface\.co|0\.0\.0\.0|127\.|10\.0\.0\.1|localhost)[\w.-]+"),
        "host",
    ),
    (re.compile(r"(?<= JOB )\d+ ON \S+(?= CANCELLED)"), "1 ON node"),
    (re.compile(r"(?<![\w.:/}])/(?:[\w.@+~-]+/)+(?=[\w.@+~-])"), "/path/"),
)


@dataclass(frozen=True, slots=True)
class Names:
    """The neutral name of each model of a log; those of all else are rules."""

    models: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, log: str, starts: Iterable[Start]) -> "Names":
        """Return the neutral names for a log in which these starts were found."""
        found = dict.fromkeys(start.model for start in starts if start.model)
        found |= dict.fromkeys(_MODEL_IN_ARGUMENTS.findall(log))
        # A name that is a mere word may be one of vLLM's own and is left as it is.
        known = [name for name in found if len(name) > 3 and re.search(r"[-/]", name)]
        by_place: dict[str, str] = {}
        for place, name in enumerate(known, 1):
            number = "" if place == 1 else f"-{place}"
            folder = "/path/" if name.startswith("/") else "org/" if "/" in name else ""
            by_place[name] = f"{folder}model{number}"
        longest_first = sorted(by_place.items(), key=lambda item: -len(item[0]))
        return cls(tuple(longest_first))

    def neutral(self, text: str) -> str:
        """Return the beginning of a text, without any name of somebody's own."""
        text = self.without_models(text)
        for pattern, replacement in _RULES:
            text = pattern.sub(replacement, text)
        indent = len(text) - len(text.lstrip())
        return text[: indent + LONGEST]

    def without_models(self, text: str) -> str:
        """Return a text in which only the models have neutral names."""
        for name, other in self.models:
            text = text.replace(name, other)
        return text

    def neutral_head(self, head: str) -> str:
        """Return what stands before a message, without the host's name and its unit's."""
        return _HEAD.sub(r"\g<time> host vllm\g<pid>", head)


def neutral_settings(text: str) -> str:
    """Return a banner's arguments or an engine's configuration with only what is read of it."""

    def replaced(found: re.Match[str]) -> str:
        name, value = found["name"], found["value"]
        if name is None:
            return "'x'" if found[0][0] in "'\"" else ""
        return found[0] if value is None or name.strip("': =") in KEPT else ""

    return _SETTING.sub(replaced, text)
