"""What a log tells of its owner, replaced: keys, addresses, hosts, paths, private models."""

import ipaddress
import re
from collections.abc import Callable

from backends.domain.redaction import HIDDEN, without_secrets

_KEY_VARIABLE = re.compile(
    r"\b([A-Z0-9_]*(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)[A-Z0-9_]*=)(?!\*\*\*)[^\s'\",]+"
)
_EMAIL = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b")
_IDENTIFIER = re.compile(
    r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b|\b[0-9a-f]{40,64}\b", re.IGNORECASE
)
_URL_HOST = re.compile(r"(?<=://)(?:[^\s/@'\"]*@)?(?P<host>\[[0-9a-fA-F:.]+\]|[\w.-]+)")
_NAMED_HOST = re.compile(
    r"(?:\b(?:hostname|node_name|master_addr|pod_name|nodename|--host|--master-addr)"
    r"(?:['\"]?[=:] ?| )['\"]?)(?P<host>[A-Za-z][\w.-]*[\w])",
    re.IGNORECASE,
)
_QUALIFIED_HOST = re.compile(
    r"(?<![\w./@-])(?!(?:torch\w*|vllm|triton|transformers|ray|numpy|aiter|asyncio)\.)"
    r"(?P<host>(?:[A-Za-z0-9](?:[\w-]*[A-Za-z0-9])?\.)+"
    r"(?:internal|local|localdomain|lan|corp|intra|home|svc|com|net|org|io|ai|dev|cloud|edu|gov|eu|"
    r"de|uk|fr|cn|jp|in))(?![\w/.-]*\.py)\b(?!\()"
)
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\d)")
_IPV6 = re.compile(r"(?<![\w:.])[0-9a-fA-F:]*:[0-9a-fA-F:]*:[0-9a-fA-F:.]*(?![\w:])")
_PATH = re.compile(r"(?<![\w.:/<>…])(?:~|[A-Za-z]:)?(?:[/\\][\w.@+~=,%-]+){2,}[/\\]?")
_MODEL_OPTION = re.compile(
    r"(?:\bmodel(?:_tag|_name)?['\"]?[=:] ?['\"]?|--(?:model|tokenizer)[= ]['\"]?|\bvllm serve )"
    r"(?P<model>[~./A-Za-z0-9][^\s'\",\]})]*/[^\s'\",\]})]+)"
    r"|served[-_]model[-_]name['\"]?[=: ] ?\[?['\"]?(?P<served>[A-Za-z0-9][^\s'\",\]})]*)"
)

_PACKAGES = re.compile(
    r"[/\\](?:site|dist)-packages[/\\]|[/\\](?=(?:vllm|torch|ray|triton|lib[/\\]python[\d.]+)[/\\])"
)
_OF_EVERY_HOST = (
    "/dev/", "/proc/", "/sys/", "/usr/bin/", "/usr/lib", "/usr/local/cuda", "/opt/rocm", "/etc/",
    "/v1/", "/v2/", "/docs/", "/inference/", "/csrc/", "/health", "/metrics",
)  # fmt: skip
"""Beginnings of paths that are the same everywhere, and of routes of the server."""

_PUBLIC_HOSTS = re.compile(
    r"(?:^|\.)(?:huggingface\.co|hf\.co|github\.com|githubusercontent\.com|pytorch\.org|vllm\.ai|"
    r"nvidia\.com|amd\.com|python\.org|pypi\.org|readthedocs\.io|modelscope\.cn|ray\.io|"
    r"pydantic\.dev|nvcr\.io|docker\.io|ghcr\.io|quay\.io|localhost)$"
)
_LOOPBACK = frozenset({"127.0.0.1", "0.0.0.0", "::1", "::", "localhost"})  # noqa: S104

PUBLISHERS = frozenset(
    "01-ai ai21labs allenai amd apple baai baidu bigcode coherelabs databricks deepseek-ai "  # noqa: SIM905
    "eleutherai facebook google huggingfaceh4 huggingfacetb ibm-granite inclusionai internlm "
    "intfloat jinaai lgai-exaone meta-llama microsoft minimaxai mistralai moonshotai mosaicml "
    "neuralmagic nomic-ai nousresearch nvidia openai openbmb opengvlab qwen redhatai salesforce "
    "sentence-transformers snowflake stabilityai stepfun-ai tencent thudm tiiuae tinyllama unsloth "
    "zai-org".split()
)
"""Publishers of open weights on the Hugging Face hub, in lower case, whose names stay."""


class Anonymizer:
    """Replaces, each by one name throughout, what identifies the owner of a log.

    Names of models stay where a publisher of open weights is named; any other may be private.

    Attributes:
        replaced: how many different ones of each kind were replaced.
    """

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], str] = {}
        self._models: set[str] = set()
        self._secrets = 0

    @property
    def replaced(self) -> dict[str, int]:
        """How many different values of each kind were replaced; keys are counted by place."""
        found = {"key or token": self._secrets} if self._secrets else {}
        for kind, _ in self._names:
            found[kind] = found.get(kind, 0) + 1
        return found

    def learn_model(self, model: str | None) -> None:
        """Take note of a model's name, so that it is replaced wherever it stands alone."""
        if model and not _is_public(model):
            self._models.add(model)
            name = model.rstrip("/").rpartition("/")[2]
            if len(name) >= _SHORTEST_NAME:
                self._models.add(name)

    def learn(self, line: str) -> None:
        """Take note of what one line names, before any is replaced."""
        for found in _MODEL_OPTION.finditer(line):
            self.learn_model(found["model"] or found["served"])
        for found in _NAMED_HOST.finditer(line):
            if found["host"] not in _LOOPBACK:
                self._name("host", found["host"])

    def replace(self, text: str) -> str:
        """Return a text without what identifies its owner."""
        text = self._without_keys(text)
        text = _EMAIL.sub(lambda found: self._name("e-mail address", found[0]), text)
        for model in sorted(self._models, key=len, reverse=True):
            text = re.sub(
                rf"(?<![\w-]){re.escape(model)}(?![\w-])", self._constant("model", model), text
            )
        text = _URL_HOST.sub(self._url_host, text)
        text = _IDENTIFIER.sub(lambda found: self._name("identifier", found[0]), text)
        text = _PATH.sub(lambda found: self._path(found[0]), text)
        text = _IPV4.sub(lambda found: self._address(found[0]), text)
        text = _IPV6.sub(lambda found: self._address(found[0]), text)
        text = _QUALIFIED_HOST.sub(lambda found: self._host(found["host"]), text)
        for kind, host in list(self._names):
            if kind == "host":
                text = re.sub(
                    rf"(?<![\w.-]){re.escape(host)}(?![\w-])", self._constant(kind, host), text
                )
        return text

    def _without_keys(self, text: str) -> str:
        hidden = str(without_secrets(text))
        self._secrets += hidden.count(HIDDEN) - text.count(HIDDEN)
        hidden, count = _KEY_VARIABLE.subn(rf"\1{HIDDEN}", hidden)
        self._secrets += count
        return hidden

    def _name(self, kind: str, value: str) -> str:
        number = sum(of == kind for of, _ in self._names) + 1
        return self._names.setdefault((kind, value), f"<{kind} {number}>")

    def _constant(self, kind: str, value: str) -> Callable[[re.Match[str]], str]:
        """Name a value only where it is found, so that the counts are of what was replaced."""
        return lambda _: self._name(kind, value)

    def _url_host(self, found: re.Match[str]) -> str:
        host = found["host"].strip("[]")
        return self._address(host) if _is_address(host) else self._host(host)

    def _host(self, host: str) -> str:
        return host if _PUBLIC_HOSTS.search(host) else self._name("host", host)

    def _address(self, text: str) -> str:
        return self._name("address", text) if _is_address(text) and text not in _LOOPBACK else text

    def _path(self, path: str) -> str:
        if path.startswith(_OF_EVERY_HOST):
            return path
        found = list(_PACKAGES.finditer(path))
        return f"…/{path[found[-1].end() :]}" if found else self._name("path", path)


_SHORTEST_NAME = 4
"""A shorter name of a model may be a word of any text."""


def _is_public(model: str) -> bool:
    owner, slash, _ = model.partition("/")
    return bool(slash) and owner.lower() in PUBLISHERS


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
