"""Console, ``verdict``, ``--require``, the report and ``metrics`` say the same of one instant."""

from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from backends.domain.billing.ledger import utc_day
from backends.domain.billing.meter import begin_meter
from backends.domain.server import Owner, Server, ServerState
from backends.domain.session import Session, watching
from backends.domain.traffic.shape import HourlyProfile
from backends.history.history import open_history
from backends.metrics.scrape import MetricsUnavailable
from backends.operations import snapshot
from backends.operations.capacity import keep_capacity
from backends.operations.context import context_of
from backends.operations.decision import decide_all
from backends.operations.host import this_host
from backends.operations.meter_store import open_meter_store, with_meter_store
from backends.settings.paths import history_file
from backends.wire import plain
from console.tui.views.cost import plan_view
from tests.backends.operations.test_learnt_week import SERVED, week_of
from tests.console.cli.conftest import Cli, configure

SERVER = Server(
    "chat", Owner.MANAGED, ServerState.READY, base_url="http://127.0.0.1:9/v1", model="org/model"
)
CONFIGURATION = """
[server.chat]
model = "org/model"
gpu_usd_per_hour = "1.88"
[endpoint.serverless]
base_url = "http://127.0.0.1:9/v1"
model = "m"
input_usd_per_mtok = "0.10"
output_usd_per_mtok = "0.70"
"""


def unreachable(_: str) -> None:
    raise MetricsUnavailable("nothing listens")


def learnt(rps: float) -> HourlyProfile:
    """Return three weeks that end now, as a console would have left them."""
    profile = week_of(rps)
    now_s = this_host().now().wall_s
    later_s = (now_s // 604_800 - profile.bins[-1].began_s // 604_800) * 604_800
    bins = (each._replace(began_s=each.began_s + later_s) for each in profile.bins)
    return HourlyProfile(bins=tuple(each for each in bins if each.began_s < now_s))


@pytest.mark.parametrize(("rps", "word"), [(4.0, "SELF HOST CHEAPER"), (2.0, "API CHEAPER")])
def test_all_who_ask_get_one_plan(
    rps: float,
    word: str,
    cli: Cli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configure(CONFIGURATION)
    host = this_host()
    monkeypatch.setattr(snapshot, "list_servers", lambda _: (SERVER,))
    monkeypatch.setattr(snapshot, "scrape", unreachable)
    keep_capacity(host.state_folder, replace(SERVED, rps=Decimal(12)))
    with closing(open_history(history_file())) as history:
        began_s = host.now().wall_s - 100
        history.save_meter("host", began_s, plain(begin_meter("host_boot", began_s, began_s)))
        history.save_meter("profile:chat", began_s, plain(learnt(rps)))
    session = watching(
        with_meter_store(Session(host.now()), open_meter_store(host)), "chat", "org/model"
    )
    console = decide_all(session, context_of(host), utc_day(host.now().wall_s))
    told = cli("verdict", "--json").json()
    report = tmp_path / "month.md"
    assert cli("cost", "--output", str(report)).code == 0
    assert plan_view(console).word == word
    assert told["verdict"] == word.replace(" ", "_")
    assert told["horizon"]["speaks_for"] == "week"
    assert told["reason"] == plan_view(console).sentence
    assert f"**Plan: {word}**" in report.read_text()
    assert cli("verdict", "--require", "self_host").code == 4 * (rps < 3)
    holds = {
        sample.labels["verdict"]
        for family in text_string_to_metric_families(cli("metrics").out)
        for sample in family.samples
        if sample.name == "inferctl_verdict" and sample.labels["answer"] == "plan" and sample.value
    }
    assert holds == {told["verdict"]}
