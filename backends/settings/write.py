"""Writes the configuration, keeping every comment and what the user arranged."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import SequenceMatcher, unified_diff
from itertools import takewhile, zip_longest
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Array, Table

from backends.domain.server import RuntimeKind
from backends.host.files import PRIVATE_FILE, read_file, replace_file
from backends.settings.config import LOOPBACK, Profile
from backends.settings.faults import ConfigError, Fault
from backends.settings.paths import config_file, refuse_to_leave_files
from backends.settings.read import parse_settings, read_settings

Keys = tuple[str, ...]
TomlValue = str | int | float | bool | date | list[Any] | dict[str, Any]
Changes = Mapping[Keys, TomlValue | None]
"""Values to set, by the keys that lead to them; None removes one."""


class ChangedMeanwhile(ConfigError):
    """Somebody else has written the file since a change of it was prepared."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A change of the configuration that was checked and is not written yet.

    Attributes:
        before: what the file held, None where there was none.
        after: what it will hold.
    """

    path: Path
    before: str | None
    after: str

    @property
    def difference(self) -> tuple[str, ...]:
        """The lines that change, each behind ``- `` or ``+ ``."""
        old, new = (self.before or "").splitlines(), self.after.splitlines()
        lines = list(unified_diff(old, new, n=0, lineterm=""))[2:]
        shown = (line for line in lines if not line.startswith("@@") and line[1:].strip())
        return tuple(f"{line[0]} {line[1:]}" for line in shown)


_FIRST_LINES = """\
# inferctl reads this file at each start; `inferctl config check` says what is wrong with it.
# Keys never stand here: name the environment variable that holds one (api_key_env).
# Prices are strings, because 0.10 has no exact binary form.

"""

_EXAMPLES = """
# What the same prompts would cost and how fast they come from an API. Take the '#' off and fill in.
# [endpoint.serverless]
# base_url = "https://inference.example/v1"
# model = "openai-gpt-oss-120b"
# api_key_env = "INFERENCE_KEY"
# input_usd_per_mtok = "0.10"
# output_usd_per_mtok = "0.70"
# price_as_of = {today}        # the day on which you read the prices

# The latency that you promise; `inferctl load` finds how many requests per second keep it.
# [limits]
# ttft_p99_s = 1.0
# itl_p99_s = 0.05

# How the host is billed. since = "boot", "server" or an instant such as {today}T08:00:00Z.
# [billing]
# granularity_s = 3600
# min_charge_s = 0
# since = "boot"
# budget_usd_per_day = "50"
"""


def write_first_config(profile: Profile, path: Path | None = None) -> Path:
    """Write a commented configuration with one server, and return where it lies.

    Raises:
        ConfigError: the profile is not valid, or there is a configuration already.
        OSError: the file cannot be written.
    """
    path = path or config_file()
    if path.exists():
        fault = Fault(path, "", None, "exists already", "add the server to it instead")
        raise ConfigError((fault,))
    document = tomlkit.parse(_FIRST_LINES)
    _servers(document).append(profile.name, _table(profile))
    _save(tomlkit.dumps(document) + _EXAMPLES.format(today=_today()), path)
    return path


def add_profile(profile: Profile, path: Path | None = None) -> Path:
    """Add a server to the configuration, which is made if missing, and return where it lies.

    Raises:
        ConfigError: the file has faults, or a server of that name.
        OSError: the file cannot be written.
    """
    path = path or config_file()
    if not path.exists():
        return write_first_config(profile, path)
    if read_settings(path).profile(profile.name):
        what = "exists already"
        raise ConfigError(
            (Fault(path, f"server.{profile.name}", None, what, "choose another name"),)
        )
    document = _open(path)
    _servers(document).append(profile.name, _table(profile))
    _save(tomlkit.dumps(document), path)
    return path


def add_endpoint(
    name: str, values: Mapping[str, Any], comments: Sequence[str], path: Path | None = None
) -> Path:
    """Add an ``[endpoint.NAME]`` table below comments, and return where the file is.

    Raises:
        ConfigError: the file has faults or an endpoint of that name, or the table would be one.
        OSError: the file cannot be written.
    """
    table = ("endpoint", name)
    changes: Changes = {(*table, key): value for key, value in values.items()}
    change = draft(changes, path, adds=table, comments=comments)
    write_draft(change)
    return change.path


def _with_table(
    before: str | None, keys: Keys, values: Mapping[str, Any], comments: Sequence[str] = ()
) -> str:
    """Return a configuration with one more table at its end."""
    table = tomlkit.document()
    for key, value in values.items():
        table.append(key, tomlkit.item(_inline(value)))
    lines = [f"# {comment}" for comment in comments]
    lines.append(f"[{'.'.join(tomlkit.key(key).as_string() for key in keys)}]")
    head = _FIRST_LINES if before is None else before
    return f"{head.rstrip()}\n\n".lstrip() + "\n".join(lines) + f"\n{tomlkit.dumps(table)}"


def _inline(value: Any) -> Any:
    """A table in one line, where the value is one."""
    if not isinstance(value, dict):
        return value
    table = tomlkit.inline_table()
    for key, item in value.items():
        table.append(key, _inline(item))
    return table


def set_values(changes: Changes, path: Path | None = None) -> None:
    """Set values together, their tables made if missing, for example a whole new endpoint.

    Raises:
        ConfigError: the result would have faults; the file is left as it was.
        OSError: the file cannot be written.
    """
    write_draft(draft(changes, path))


def draft(
    changes: Changes,
    path: Path | None = None,
    *,
    adds: Keys = (),
    comments: Sequence[str] = (),
) -> Draft:
    """Return what the configuration would be with these changes, and write nothing.

    Args:
        changes: what is set and removed.
        path: the file, by default the user's.
        adds: a table that must not be there yet.
        comments: what stands above it.

    Raises:
        ConfigError: the result would have faults, or the table is there.
        OSError: the file cannot be read.
    """
    path = path or config_file()
    before = _text(path)
    document = _parsed(_FIRST_LINES if before is None else before, path)
    if adds and _at(document, adds) is not None:
        what, remedy = "exists already", "choose another name"
        raise ConfigError((Fault(path, ".".join(adds), None, what, remedy),))
    wanted = document.unwrap()
    for keys, value in changes.items():
        if value is not None:
            _plain_table(wanted, keys, path)[keys[-1]] = value
            if not adds:
                _set(document, keys, value)
        elif _at(document, keys) is not None:
            del _at(document, keys[:-1])[keys[-1]]
            del _at(wanted, keys[:-1])[keys[-1]]
    after = tomlkit.dumps(document)
    if adds:
        after = _with_table(before, adds, _at(wanted, adds) or {}, comments)
    parse_settings(after, path)
    if tomllib.loads(after) != wanted:
        what = "cannot be edited without changing more than was asked for"
        raise ConfigError((Fault(path, "", None, what, "edit it by hand"),))
    return Draft(path, before, after)


def write_draft(change: Draft) -> None:
    """Write a change, unless the file is no longer what the change was made from.

    Raises:
        ChangedMeanwhile: it is not; the file is left as it is.
        OSError: the file cannot be written.
    """
    if _text(change.path) != change.before:
        what, remedy = "was changed meanwhile", "look at the change to it as it is now"
        raise ChangedMeanwhile((Fault(change.path, "", None, what, remedy),))
    _replace(change.after, change.path)


def _at(level: Any, keys: Keys) -> Any:
    """Return what stands there, None where nothing does."""
    for name in keys:
        level = level.get(name) if isinstance(level, dict) else None
    return level


def _plain_table(level: Any, keys: Keys, path: Path) -> Any:
    for name in keys[:-1]:
        level = level.setdefault(name, {})
        if not isinstance(level, dict):
            what, remedy = "is inside a value that is not a table", "correct it in the file first"
            raise ConfigError((Fault(path, ".".join(keys), None, what, remedy),))
    return level


def _set(document: TOMLDocument, keys: Keys, value: TomlValue) -> None:
    level: Any = document
    for depth, name in enumerate(keys[:-1], start=1):
        if name not in level:
            level[name] = tomlkit.table(is_super_table=depth < len(keys) - 1)
        level = level[name]
    _put(level, keys[-1], value)


def _put(level: Any, name: str, value: TomlValue) -> None:
    """Set one value, and of a list or a table only what differs: comments may stand between."""
    there = level.get(name)
    if isinstance(value, dict) and isinstance(there, dict):
        for key in there.keys() - value.keys():
            del there[key]
        for key, item in value.items():
            if there.get(key) != item:
                _put(there, key, item)
    elif isinstance(value, list) and isinstance(there, Array):
        _rearrange(there, value)
        if tomllib.loads(f"a = {there.as_string()}")["a"] != value:
            level[name] = value  # laid out as tomlkit cannot change it
    else:
        # Blank lines and comments at the end of a table are those of the next one.
        body = level.value.body if isinstance(level, Table) and there is None else []
        behind = list(takewhile(lambda part: part[0] is None, reversed(body)))
        del body[len(body) - len(behind) :]
        level[name] = _inline(value)
        body.extend(reversed(behind))


def _rearrange(there: Array, items: list[Any]) -> None:
    """Let a list hold other items, and leave alone those that stay."""
    steps = SequenceMatcher(None, there.unwrap(), items, autojunk=False).get_opcodes()
    for step, first, end, new_first, new_end in reversed(steps):
        if step == "equal":
            continue
        if first == len(there) and "\n" in there.as_string():
            there.add_line(*items[new_first:new_end])  # an insert would follow the last comment
            continue
        places = zip_longest(range(first, end), range(new_first, new_end))
        for offset, (old, new) in reversed(list(enumerate(places))):
            if old is None:
                there.insert(end, items[new])
            elif new is None:
                del there[first + offset]
            else:
                there[first + offset] = items[new]


def _text(path: Path) -> str | None:
    """Return what a configuration holds, None where there is none.

    Raises:
        ConfigError: it is no text.
        OSError: it cannot be read.
    """
    try:
        return read_file(path).decode()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        read_settings(path)  # says the same fault in our words
        fault = Fault(path, "", None, f"cannot be edited: {error}", "edit it by hand")
        raise ConfigError((fault,)) from error


def _parsed(toml: str, path: Path) -> TOMLDocument:
    try:
        return tomlkit.parse(toml)
    except TOMLKitError as error:
        parse_settings(toml, path)  # says the same fault in our words
        fault = Fault(path, "", None, f"cannot be edited: {error}", "edit it by hand")
        raise ConfigError((fault,)) from error


def _open(path: Path) -> TOMLDocument:
    text = _text(path)
    return _parsed(_FIRST_LINES if text is None else text, path)


def _servers(document: TOMLDocument) -> Table:
    if "server" not in document:
        document.append("server", tomlkit.table(is_super_table=True))
    servers = document["server"]
    assert isinstance(servers, Table)
    return servers


def _today() -> date:
    """Return the day in UTC, as prices are dated: an example that is uncommented is not stale."""
    return datetime.now(UTC).date()


def _table(profile: Profile) -> Table:
    table = tomlkit.table()
    table.add("model", profile.model)
    table.add("vllm", profile.vllm)
    table["vllm"].comment("path or name of the executable; it may live in another environment")
    table.add("args", list(profile.args))
    table.add("port", profile.port)
    if profile.runtime is not RuntimeKind.PROCESS:
        table.add("runtime", str(profile.runtime))
        for key in ("image", "container", "network", "unit"):
            if (value := getattr(profile, key)) and value != "bridge":
                table.add(key, value)
        if profile.mounts:
            table.add("mounts", list(profile.mounts))
    for key in ("served_name", "api_key_env"):
        if (value := getattr(profile, key)) is not None:
            table.add(key, value)
    if profile.host != LOOPBACK:
        table.add("host", profile.host)
    if profile.environment:
        environment = tomlkit.inline_table()  # a table of its own would swallow the lines below
        environment.update(dict(profile.environment))
        table.add("environment", environment)
    if profile.gpu_usd_per_hour is None:
        table.add(tomlkit.comment('gpu_usd_per_hour = "1.88"     # what the whole host costs'))
    else:
        table.add("gpu_usd_per_hour", format(profile.gpu_usd_per_hour, "f"))
    if profile.gpu_price_as_of is None:
        table.add(tomlkit.comment(f"gpu_price_as_of = {_today()}  # the day you read that price"))
    else:
        table.add("gpu_price_as_of", profile.gpu_price_as_of)
    return table


def _save(toml: str, path: Path) -> None:
    parse_settings(toml, path)
    _replace(toml, path)


def _replace(toml: str, path: Path) -> None:
    refuse_to_leave_files(path.parent)
    target = path.resolve()  # it may be a link into a folder of dotfiles, and stays one
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = target.stat().st_mode & 0o777 if target.exists() else PRIVATE_FILE
    try:
        replace_file(target, toml.encode(), mode)
    except UnicodeEncodeError as error:
        what, remedy = "would hold bytes that are not UTF-8 text", "type the value again"
        raise ConfigError((Fault(path, "", None, what, remedy),)) from error
