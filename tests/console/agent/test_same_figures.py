"""Whoever asks at one instant is told the same: the stream, a snapshot, a verb and a console."""

import asyncio
import threading
from collections import defaultdict
from dataclasses import replace

import pytest

from backends.agent import client
from backends.agent.follow import follow
from backends.agent.messages import Snapshot, with_snapshot
from backends.domain.billing.account import Account, AccountFact, account_after
from backends.domain.billing.ledger import utc_day
from backends.domain.session import Session, advance, watching
from backends.domain.stamp import Stamp
from backends.operations.context import context_of
from backends.operations.decision import Decision, decide_all
from tests.console.agent.conftest import AgentHost, wait_for
from tests.console.cli.conftest import Cli
from tests.console.conftest import MODEL, SERVER

pytestmark = [pytest.mark.slow, pytest.mark.process]

TIMES = 1000
INSTANTS = 10
"""A fast machine answers a thousand times within one second, in which the record hardly moves."""


class Follower:
    """A console as far as figures go: takes the stream and folds it, in a thread of its own."""

    def __init__(self, host: AgentHost) -> None:
        self._host = host
        self.session = watching(Session(Stamp(0.0, 0.0)), SERVER, MODEL)
        self.accounts: defaultdict[float, list[Account]] = defaultdict(list)
        self.sessions: dict[float, Session] = {}
        self._thread = threading.Thread(target=lambda: asyncio.run(self._follow()), daemon=True)
        self._thread.start()

    async def _follow(self) -> None:
        account = Account()
        async for message in follow(self._host.host.state_folder, asyncio.Event()):
            if isinstance(message, Snapshot):
                account = message.account
                self.session = with_snapshot(self.session, message)
            elif isinstance(message, AccountFact):
                account = account_after(account, message)
                self.session = advance(self.session, message)
                assert self.session.account == account
            if account.at is not None:
                self.accounts[account.at.mono_s].append(account)
                self.sessions[account.at.mono_s] = self.session


def test_a_thousand_answers_are_those_of_the_stream(watched: AgentHost, cli: Cli) -> None:
    assert cli("start", SERVER, "--wait", "--force").code == 0
    wait_for(watched.reads)
    follower, done = Follower(watched), threading.Event()
    wait_for(lambda: follower.accounts)

    def ask() -> None:
        while not done.is_set():
            watched.ask(1)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        told: list[Snapshot | None] = []
        while len(told) < TIMES or len({each.account.at for each in told if each}) < INSTANTS:
            told.append(client.snapshot(watched.host.state_folder))
    finally:
        done.set()
        asking.join()
    snapshots = [each for each in told if each is not None]
    assert len(snapshots) == len(told)
    last = snapshots[-1].account.at
    assert last is not None
    wait_for(lambda: max(follower.accounts) > last.mono_s)
    first = min(follower.accounts)
    instants = set()
    for each in snapshots:
        at = each.account.at
        assert at is not None
        if at.mono_s < first:
            continue
        instants.add(at.mono_s)
        assert each.account in follower.accounts[at.mono_s]
    assert len(instants) > 1
    same_decision(watched, follower, snapshots)


def same_decision(host: AgentHost, follower: Follower, snapshots: list[Snapshot]) -> None:
    """The console that folds the stream decides as a verb does that takes a snapshot."""
    context = context_of(host.host)
    compared = 0
    for each in snapshots[:: len(snapshots) // 10]:
        at = each.account.at
        assert at is not None
        console = follower.sessions.get(at.mono_s)
        if console is None or console.account != each.account:
            continue  # a later fact of the same instant was folded as well
        verb = with_snapshot(watching(Session(at), SERVER, MODEL), each)
        assert figures(decided(verb, context)) == figures(decided(console, context))
        compared += 1
    assert compared


def decided(session: Session, context: object) -> Decision:
    assert session.life is not None
    known = next(each for each in session.servers if each.name == SERVER)
    session = replace(session, life=replace(session.life, server=known))
    return decide_all(session, context, utc_day(session.account.at.wall_s))  # type: ignore[arg-type, union-attr]


def figures(decision: Decision) -> tuple[object, ...]:
    spent = decision.rental.spent
    assert spent is not None
    return (spent.usd, spent.parts, decision.plan.kind, decision.now, decision.live.rate_rps)
