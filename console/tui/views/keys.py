"""Which keys can act on the session as it stands."""

from backends.domain.external import is_external
from backends.domain.lifecycle import failure_of
from backends.domain.server import SERVING, RuntimeKind, Server, ServerState
from backends.domain.session import Session
from backends.domain.startup.fix import fixed_arguments
from backends.domain.vram_owners import with_survivor_memory
from backends.operations.ab import ab_targets, why_no_ab
from backends.operations.context import Context
from backends.settings.config import Profile

RUNNING = SERVING | {ServerState.STARTING}


def can_act(action: str, what: str, session: Session, context: Context) -> bool:
    """Return whether an action of the app, with its first argument, has something to act on."""
    match action, what:
        case "server", "sleep" | "wake":
            wanted = ServerState.READY if what == "sleep" else ServerState.SLEEPING
            off = context.simulated or context.orders_nothing
            return not off and state_of(session) is wanted
        case "server", _:
            return _server(what, session, context)
        case "ab", _:
            return not context.orders_nothing and _ab(what, session, context)
        case "load" | "study", _:
            can = _load if action == "load" else _study
            return can(what, session, context)
        case "show", _:
            return _show(what, session, context)
        case _:
            return action != "configure" or not context.replayed


def _show(what: str, session: Session, context: Context) -> bool:
    if what == "series":
        return session.life is not None and not context.replayed
    if what == "next":
        profiles = {each.name for each in context.settings.servers}
        return len(profiles | {each.name for each in session.servers}) > 1
    return what != "logs" or (not context.replayed and _has_log(session))


def _has_log(session: Session) -> bool:
    """Return whether a keeper writes down what the watched server prints."""
    life = session.life
    if life is None or life.no_log:
        return False
    return life.spawned_at is not None or not is_external(life)


def _server(what: str, session: Session, context: Context) -> bool:
    if what == "leave" or context.orders_nothing:
        return what == "leave"
    if what in {"end", "fix"}:
        return bool(orphans(session, context) if what == "end" else fix_of(session, context))
    if managed_name(session) is None:
        return False
    if what != "stop" and managed_profile(session, context) is None:
        return False
    state = state_of(session)
    if what == "start":
        return state not in {*RUNNING, ServerState.STOPPING}
    return state in RUNNING


def _load(what: str, session: Session, context: Context) -> bool:
    if what == "cancel":
        return load_runs(context) and not ab_runs(session)
    targets = ab_targets(session, context.settings)
    return not context.orders_nothing and (bool(targets) or context.load is not None)


def _study(what: str, session: Session, context: Context) -> bool:
    if what == "cancel":
        others = ab_runs(session) or load_runs(context)
        return context.study is not None and not others
    known = managed_profile(session, context) is not None
    return not context.orders_nothing and known and bool(context.settings.endpoints)


def _ab(what: str, session: Session, context: Context) -> bool:
    runs = ab_runs(session)
    if what == "cancel":
        return runs
    if what == "prompt":
        return True
    missing = bool(why_no_ab(session, context.settings))
    return not runs and missing is (what == "explain")


def ab_runs(session: Session) -> bool:
    """Return whether an A/B is under way."""
    return session.ab is not None and not session.ab.ended


def load_runs(context: Context) -> bool:
    """Return whether a load test is under way."""
    return context.load is not None and context.load.rps is not None


def state_of(session: Session) -> ServerState | None:
    """Return the watched server's state, None where no server is watched."""
    return session.life.server.state if session.life else None


def managed_name(session: Session) -> str | None:
    """Return the watched server's name, None where it is not inferctl's to stop.

    A unit is, whoever wrote it: systemd stops it.
    """
    life = session.life
    if life is None:
        return None
    is_unit = life.server.runtime.kind is RuntimeKind.SYSTEMD
    return life.server.name if is_unit or not is_external(life) else None


def managed_profile(session: Session, context: Context) -> Profile | None:
    """Return what the watched server is launched by; one still runs whose table was removed."""
    name = managed_name(session)
    return context.settings.profile(name) if name else None


def fix_of(session: Session, context: Context) -> tuple[str, ...] | None:
    """Return the arguments that the remedy of the watched server's failure sets, if it does."""
    profile, life = managed_profile(session, context), session.life
    if profile is None or profile.unit or life is None:
        return None
    failure = failure_of(life) if state_of(session) is ServerState.FAILED else None
    return None if failure is None else fixed_arguments(failure, profile.args)


def orphans(session: Session, context: Context) -> tuple[Server, ...]:
    """Return the servers that serve nobody and of which processes live that nobody ends yet."""
    if context.simulated or context.orders_nothing:
        return ()
    return tuple(
        with_survivor_memory(each, session.gpus)
        for each in session.servers
        if each.survivors and each.pid is None and each.keeper_pid is None
    )
