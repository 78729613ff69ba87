"""What a server was launched with, told from its command line."""

QUIET_FLAG = "--disable-access-log-for-endpoints"
POLLED = "/health,/metrics"


def launched_with(argv: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    """Return the model and the profile's arguments in a command line of `command`, else None.

    The kernel names an interpreter before the script that it runs, as for a server that something
    else started.
    """
    if argv[2:3] == ("serve",):
        argv = argv[1:]
    if len(argv) < 3 or argv[1] != "serve":
        return None
    rest = argv[3:]
    for flag in ("--host", "--port", "--served-model-name"):
        if rest[:1] == (flag,):
            rest = rest[2:]
    return argv[2], rest[:-2] if rest[-2:] == (QUIET_FLAG, POLLED) else rest
