"""Reads API keys from where the configuration says they are, and keeps them out of sight."""

import importlib
import os
import stat
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from backends.problem import Problem
from backends.settings.config import HeaderValue, KeySource

_LONGEST_KEY_BYTES = 16_384

COMMAND_S = 60.0
COMMAND_KEY_S = 3000.0
"""How long what a command printed is used again: ten minutes less than the hour of gcloud's tokens
(cloud.google.com/docs/authentication/token-types)."""

_printed: dict[tuple[str, ...], tuple[str, float]] = {}


class SecretUnavailable(Problem):
    """A key cannot be had; the message is one sentence with the remedy and without the key."""


class Secret:
    """A key that shows itself to nobody but `reveal`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the key itself, for a request header or a child's environment."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a secret is not written down")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def resolve_secret(source: KeySource, environ: Mapping[str, str] | None = None) -> Secret:
    """Return the key that `source` names.

    Raises:
        SecretUnavailable: it is missing, empty, malformed, or readable by others.
    """
    environ = os.environ if environ is None else environ
    if source.kind == "env":
        value, place = _from_environment(source.where, environ), f"variable {source.where}"
    elif source.kind == "command":
        value, place = _from_command(source.command), f"output of {source.where}"
    elif source.kind == "file":
        value, place = _from_file(Path(source.where).expanduser()), source.where
    else:
        value, place = _from_keyring(source.where), f"keyring entry {source.where}"
    value = value.strip()
    if not value:
        raise SecretUnavailable(f"the key in {place} is empty; put the key there")
    if not (value.isascii() and value.isprintable()):
        raise SecretUnavailable(
            f"the key in {place} has characters that no key has; put the key alone there"
        )
    return Secret(value)


def forget_printed(source: KeySource | None) -> None:
    """Let the next request ask a command for a new key: the endpoint refused this one."""
    if source is not None:
        _printed.pop(source.command, None)


def resolve_header(
    name: str, value: HeaderValue, environ: Mapping[str, str] | None = None
) -> str | Secret:
    """Return what a header field holds; what stands in the environment is a secret.

    Raises:
        SecretUnavailable: its variable is missing, empty or malformed.
    """
    if isinstance(value, str):
        return value
    try:
        return resolve_secret(KeySource("env", value.name), environ)
    except SecretUnavailable as error:
        raise SecretUnavailable(f"the header field {name}: {error}") from error


def _from_command(command: tuple[str, ...]) -> str:
    """What a command prints, kept for `COMMAND_KEY_S`: the tokens of gcloud last an hour."""
    had = _printed.get(command)
    if had is not None and time.monotonic() < had[1]:
        return had[0]
    program = command[0]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_S, check=False
        )
    except FileNotFoundError as error:
        raise SecretUnavailable(f"the command {program} is not found; install it") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SecretUnavailable(
            f"the command {program} that prints the key did not end well"
            f" ({type(error).__name__}); run it by hand"
        ) from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        why = f": {said[-1][:200]}" if said else ""
        raise SecretUnavailable(
            f"the command {program} that prints the key ended with exit code"
            f" {done.returncode}{why}; run it by hand"
        )
    printed = done.stdout[:_LONGEST_KEY_BYTES].decode("utf-8", "replace")
    _printed[command] = (printed, time.monotonic() + COMMAND_KEY_S)
    return printed


def _from_environment(variable: str, environ: Mapping[str, str]) -> str:
    if variable not in environ:
        raise SecretUnavailable(f"the variable {variable} is not set; run: export {variable}=…")
    return environ[variable]


def _from_file(path: Path) -> str:
    try:
        # Without waiting: a FIFO of that name may never have a writer.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise SecretUnavailable(f"{path} is not a file; put the key into one of mode 0600")
            if mode & 0o077:
                raise SecretUnavailable(
                    f"{path} can be read by others (mode {mode & 0o777:04o}); run: chmod 600 {path}"
                )
            return file.read(_LONGEST_KEY_BYTES).decode("utf-8", "replace")
    except OSError as error:
        raise SecretUnavailable(
            f"{path} cannot be read ({error.strerror}); write the key there with mode 0600"
        ) from error


def _from_keyring(service: str) -> str:
    try:
        keyring = importlib.import_module("keyring")
    except ModuleNotFoundError as error:
        raise SecretUnavailable(
            "the package keyring is not installed beside inferctl; install it or use api_key_env"
        ) from error
    try:
        value = keyring.get_password(service, "inferctl")
    except keyring.errors.KeyringError as error:
        raise SecretUnavailable(
            f"the system keyring does not answer ({type(error).__name__}); use api_key_env"
        ) from error
    if value is None:
        raise SecretUnavailable(
            f"the keyring has no entry {service}; run: keyring set {service} inferctl"
        )
    return str(value)
