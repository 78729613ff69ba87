"""Writes the configuration, keeping every comment and what the user arranged."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Table

from backends.domain.server import RuntimeKind
from backends.host.files import PRIVATE_FILE, read_file, replace_file
from backends.settings.config import LOOPBACK, Profile
from backends.settings.faults import ConfigError, Fault
from backends.settings.paths import config_file, refuse_to_leave_files
from backends.settings.read import parse_settings, read_settings

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


def add_endpoint(name: str, values: Mapping[str, Any], comments: Sequence[str]) -> Path:
    """Add an ``[endpoint.NAME]`` table below comments, and return where the file is.

    Raises:
        ConfigError: the file has faults or an endpoint of that name, or the table would be one.
        OSError: the file cannot be written.
    """
    path = config_file()
    if path.exists() and read_settings(path).endpoint(name):
        what = "exists already"
        raise ConfigError((Fault(path, f"endpoint.{name}", None, what, "choose another name"),))
    before = path.read_text(encoding="utf-8") if path.exists() else _FIRST_LINES
    table = tomlkit.document()
    for key, value in values.items():
        table.append(key, tomlkit.item(_inline(value)))
    lines = [f"# {comment}" for comment in comments]
    written = "\n".join([*lines, f"[endpoint.{tomlkit.key(name).as_string()}]"])
    _save(f"{before.rstrip()}\n\n{written}\n{tomlkit.dumps(table)}", path)
    return path


def _inline(value: Any) -> Any:
    """A table in one line, where the value is one."""
    if not isinstance(value, dict):
        return value
    table = tomlkit.inline_table()
    for key, item in value.items():
        table.append(key, _inline(item))
    return table


def _open(path: Path) -> TOMLDocument:
    if not path.exists():
        return tomlkit.parse(_FIRST_LINES)
    try:
        return tomlkit.parse(read_file(path).decode())
    except (TOMLKitError, UnicodeDecodeError) as error:
        read_settings(path)  # tells the same fault in our words
        fault = Fault(path, "", None, f"cannot be edited: {error}", "edit it by hand")
        raise ConfigError((fault,)) from error


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
    refuse_to_leave_files(path.parent)
    target = path.resolve()  # it may be a link into a folder of dotfiles, and stays one
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = target.stat().st_mode & 0o777 if target.exists() else PRIVATE_FILE
    try:
        replace_file(target, toml.encode(), mode)
    except UnicodeEncodeError as error:
        what, remedy = "would hold bytes that are no UTF-8 text", "type the value again"
        raise ConfigError((Fault(path, "", None, what, remedy),)) from error
