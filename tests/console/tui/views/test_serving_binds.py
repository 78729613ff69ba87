"""The serving panel names the resource that binds, and nothing for a server that has room."""

from dataclasses import replace

from backends.domain.session import Session
from backends.domain.stamp import Stamp
from console.tui.views.serving import serving_view
from tests.backends.domain.advise.test_binding import readings
from tests.widgets.samples import SERVING
from widgets.serving_panel import draw

SESSION = Session(Stamp(60.0, 60.0))


def test_what_binds_stands_beside_the_queue() -> None:
    crowded = tuple(readings(queued_s=1.0, running=4, waiting=3))
    view = serving_view(replace(SESSION, recent=crowded))
    assert view.binds == "the queue (--max-num-seqs) binds"


def test_a_server_with_room_or_without_requests_says_nothing() -> None:
    assert serving_view(replace(SESSION, recent=tuple(readings()))).binds == ""
    assert serving_view(SESSION).binds == ""


def test_the_line_of_the_queue_holds_it() -> None:
    view = replace(SERVING["busy"], binds="KV cache binds")
    for width, says in ((100, "KV cache binds: inferctl advise"), (60, "KV cache binds")):
        for height in (5, 9, 20):
            text = [line.plain for line in draw(view, width, height)]
            assert any("wait" in line and says in line for line in text), text
