"""Who gives an order on this host: the user, the terminal, and from where they are logged in."""

import os
import pwd


def ordered_by() -> str:
    """Return it as ``ana, pts/3, from 10.0.0.7``, for those who share an account or a host."""
    parts = [_user(), _terminal()]
    client = os.environ.get("SSH_CONNECTION", "").partition(" ")[0]
    return ", ".join([*parts, *([f"from {client}"] if client else [])])


def _user() -> str:
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = f"user {os.getuid()}"
    caller = os.environ.get("SUDO_USER", "")
    return f"{name} (sudo by {caller})" if caller and caller != name else name


def _terminal() -> str:
    for descriptor in (0, 1, 2):
        try:
            return os.ttyname(descriptor).removeprefix("/dev/")
        except OSError:
            continue
    return "no terminal"
