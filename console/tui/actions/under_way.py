"""Carries out the user's orders, one of a kind at a time."""

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from console.tui.app import InferctlApp

Kind = Literal["server", "series", "load"]

UNDER_WAY: dict[Kind, str] = {
    "server": "a start, stop or restart is under way; nothing more was ordered",
    "series": "an A/B is under way; x cancels it",
    "load": "a load test is under way",
}
"""What is said of an order that is ignored."""


def carry_out(app: "InferctlApp", kind: Kind, work: Coroutine[Any, Any, object]) -> None:
    """Run what was ordered, or say that an order of the same kind is under way.

    A newer order does not replace the older one: cancelling a coroutine ends neither its thread nor
    its process, which would then compete with those of the newer order.
    """
    if any(each.group == kind and not each.is_finished for each in app.workers):
        work.close()
        app.notify(UNDER_WAY[kind], severity="warning", markup=False)
        return
    app.run_worker(work, group=kind)
