"""Names of people, hosts, folders and private models in a text, each replaced by a neutral one."""

import re
from collections import Counter
from collections.abc import Iterable
from ipaddress import ip_address

from backends.domain.redaction import HIDDEN, without_secrets

PUBLISHERS = frozenset(
    {
        *("01-ai", "allenai", "apple", "baai", "bigcode", "bigscience", "coherelabs", "databricks"),
        *("deepseek-ai", "eleutherai", "facebook", "google", "huggingfacetb", "ibm-granite"),
        *("internlm", "meta-llama", "microsoft", "mistralai", "moonshotai", "nvidia", "openai"),
        *("openai-community", "openbmb", "opengvlab", "qwen", "redhatai", "stabilityai", "thudm"),
        *("tiiuae", "unsloth", "xai-org", "zai-org"),
    }
)
"""Organisations that publish models for anybody; only their models keep their names."""

_MODEL_SETTING = re.compile(
    r"\b(?:model|model_tag|model_path|tokenizer|served_model_name|hf_config_path|lora_name)"
    r"['\"]?(?:: ?|=)\[?['\"]([^'\"]{2,})['\"]|"
    r"--(?:model|tokenizer|served-model-name)[= ]([^\s'\"]+)|vllm serve ([^\s'\"-][^\s'\"]*)",
)
_REPOSITORY = re.compile(
    r"(?<=['\"`])([\w.-]+/[\w.-]+)(?=['\"`])|(?<=huggingface\.co/)([\w.-]+/[\w.-]+)"
    r"|\bmodels--([\w.]+(?:-[\w.]+)*--[\w.-]+)"
)
_SHORTEST_NAME = 6
"""A shorter name, without its organisation or folder, may be a word of any text."""

_NOT_A_MODEL = frozenset({"None", "True", "False", "auto"})
_SECRET_SETTING = re.compile(
    r"(?P<name>[\w-]*(?:api[_-]?key|access[_-]?key|token|secret|password|passwd|authorization)"
    r"['\"]?\s*[:=]\s*(?:(?:Bearer|Basic) )?)(?P<value>'[^']*'|\"[^\"]*\"|\[[^\]]*\]|[^\s,;&)}]+)",
    re.IGNORECASE,
)
"""Wider than `redaction` on purpose: a word too many may be missing in a report, none too few."""

_PUBLIC_URL = re.compile(
    r"https?://(?:github\.com/vllm-project|docs\.vllm\.ai|(?:docs\.)?pytorch\.org"
    r"|huggingface\.co/docs|127\.0\.0\.1|0\.0\.0\.0|localhost)\b[^?\s]*"
)
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>)\]}]+", re.IGNORECASE)
_ACCOUNT = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)*")
_HARDWARE = re.compile(r"(?<![\w:])(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}(?![\w:])")
_V4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\w)")
_V6 = re.compile(r"(?<![\w:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])")
_PATH = re.compile(
    r"(?<=')(?:~|[A-Za-z]:)?/[^'\n]+(?=')|(?<=\")(?:~|[A-Za-z]:)?/[^\"\n]+(?=\")"
    r"|\b[A-Za-z]:\\[^\s'\"]+|(?<![\w.<>])(?<!:/)~?/(?!(?<=:/)/)[^\s'\",;:)\]}>]+|(?<![\w/.])\.{1,2}/[^\s'\",;:)\]}>]+"
)
_LIBRARY = re.compile(r"^.*/(?=(?:site|dist)-packages/|vllm/[\w/]+\.py$)")
_SYSTEM_PATH = re.compile(r"/(?:dev|proc|sys|usr/(?:lib|bin|include|local/cuda)[^/]*)(?:/|$)")
_ROUTE = re.compile(r"/(?:v1(?:/[a-z_/]+)?|health|metrics|ping|version|load|docs|tokenize)$")
_DOMAIN = re.compile(
    r"(?<![\w.-])(?!(?:torch\w*|vllm|triton|transformers|ray|numpy|aiter|asyncio)\.)"
    r"(?:[A-Za-z0-9][\w-]*\.)+"
    r"(?:internal|local|lan|corp|com|net|org|io|cloud|ai|dev|edu|gov|de|uk|cn|jp|fr|eu)(?![\w.-]*\w)"
)
_HOST_SETTING = re.compile(
    r"(?P<name>\b(?:\w*host(?:name)?|node(?:_?name)?|\w*addr(?:ess)?|ip)"
    r"['\"]?\s*[=:]\s*['\"]?)"
    r"(?P<value>[A-Za-z][\w.-]{2,})"
)
_HOST_AND_PORT = re.compile(
    r"(?<![\w./:-])(?![\w.-]+\.(?:py|cc?|cpp|cuh?|hp?p?):)([A-Za-z][\w-]*(?:\.[\w-]+)*)(?=\]?:\d{4,5}\b)"
)
_PUBLIC_HOSTS = frozenset({"localhost", "huggingface.co", "docs.vllm.ai", "None", "True", "False"})


class Pseudonyms:
    """Gives each name the same neutral one wherever it occurs, and counts what it replaced.

    Kinds are ``token``, ``model``, ``URL``, ``account``, ``address``, ``path`` and ``host``.
    A model keeps its name only where its organisation is one of `PUBLISHERS`.

    Args:
        models: names of models known beforehand.
        hosts: names of hosts known beforehand.
    """

    def __init__(self, models: Iterable[str] = (), hosts: Iterable[str] = ()) -> None:
        self._names: dict[tuple[str, str], str] = {}
        self._counts: Counter[str] = Counter()
        self._models: set[str] = set()
        self._hosts = {host for host in hosts if len(host) > 2 and host not in _PUBLIC_HOSTS}
        for model in models:
            self._note_model(model)

    def learn(self, text: str) -> None:
        """Note the models that a text names, so that they are replaced in all other texts too."""
        for pattern in (_MODEL_SETTING, _REPOSITORY):
            for found in pattern.finditer(text):
                self._note_model(next(group for group in found.groups() if group))

    def of(self, text: str) -> str:
        """Return a text without any name of somebody's own."""
        text = _SECRET_SETTING.sub(lambda found: found["name"] + self._hide(found["value"]), text)
        hidden = str(without_secrets(text))
        self._counts["token"] += hidden.count(HIDDEN) - text.count(HIDDEN)
        text = hidden
        for model in sorted(self._models, key=len, reverse=True):
            name = rf"(?<![A-Za-z0-9]){re.escape(model)}(?![A-Za-z0-9])"
            text = re.sub(name, lambda found: self._name("model", found[0]), text)
        text = _URL.sub(lambda found: self._url(found[0]), text)
        text = _ACCOUNT.sub(lambda found: self._name("account", found[0]), text)
        text = _HARDWARE.sub(lambda found: self._name("address", found[0]), text)
        text = _V4.sub(lambda found: self._address(found[0]), text)
        text = _V6.sub(lambda found: self._address(found[0]), text)
        text = _PATH.sub(lambda found: self._path(found[0]), text)
        text = _HOST_SETTING.sub(lambda found: found["name"] + self._host(found["value"]), text)
        text = _HOST_AND_PORT.sub(lambda found: self._host(found[0]), text)
        text = _DOMAIN.sub(lambda found: self._host(found[0]), text)
        for host in self._hosts:
            name = rf"(?<![\w-]){re.escape(host)}(?![\w-])"
            text = re.sub(name, lambda found: self._host(found[0]), text)
        return text

    def replaced(self) -> list[tuple[str, int]]:
        """Return each kind of which something was replaced, with the number of places."""
        return sorted((kind, count) for kind, count in self._counts.items() if count)

    def _note_model(self, name: str) -> None:
        name = name.replace("--", "/", 1)
        organisation, slash, _ = name.partition("/")
        known = name in _NOT_A_MODEL or (slash and organisation.lower() in PUBLISHERS)
        if known or len(name) < 3 or name.replace(".", "").isdecimal():
            return
        alone = name.rstrip("/").rpartition("/")[2]
        self._models.update({name, alone} if len(alone) >= _SHORTEST_NAME else {name})
        if organisation:
            self._models.add(name.replace("/", "--"))

    def _name(self, kind: str, value: str) -> str:
        self._counts[kind] += 1
        number = 1 + sum(known == kind for known, _ in self._names)
        return self._names.setdefault((kind, value), f"{kind.upper()}-{number}")

    def _hide(self, value: str) -> str:
        if value.strip("'\"") in _NOT_A_MODEL | {"", HIDDEN}:
            return value
        self._counts["token"] += 1
        return HIDDEN

    def _url(self, url: str) -> str:
        return url if _PUBLIC_URL.fullmatch(url) else self._name("URL", url)

    def _address(self, text: str) -> str:
        try:
            address = ip_address(text)
        except ValueError:
            return text
        if address.is_loopback or address.is_unspecified:
            return text
        return self._name("address", text)

    def _path(self, path: str) -> str:
        library = _LIBRARY.match(path)
        if library:
            return f"{self._name('path', library[0])}/{path[library.end() :]}"
        if _SYSTEM_PATH.match(path) or _ROUTE.fullmatch(path) or not path.strip("/."):
            return path
        return self._name("path", path)

    def _host(self, host: str) -> str:
        is_new = not re.fullmatch(r"(?:MODEL|URL|ACCOUNT|ADDRESS|PATH|HOST)-\d+", host)
        return self._name("host", host) if is_new and host not in _PUBLIC_HOSTS else host
