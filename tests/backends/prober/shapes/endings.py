"""How streams end, well and badly; what came before a bad end is kept."""

import json

from tests.backends.domain.ab.chunks import usage
from tests.backends.prober.scripted_server import CHUNKED_HEAD, Conversation, HangUp
from tests.backends.prober.shapes.http import CUT, failed
from tests.backends.prober.shapes.shape import DONE, TOKENS, Expected, Script, Shape, chunked, play

USAGE = json.dumps(usage(TOKENS))
DEAD = json.dumps({"error": {"message": "EngineDeadError", "code": 500}})


def hang_up(conversation: Conversation) -> None:
    conversation.write(CHUNKED_HEAD)
    play(conversation, Script(finish=None, at_end=()))
    conversation.wait(0.02)
    raise HangUp


def named_error(conversation: Conversation) -> None:
    conversation.write(CHUNKED_HEAD)
    play(conversation, Script(finish=None, at_end=()))
    conversation.chunk(b'event: error\ndata: {"detail":"overloaded"}\n\n')
    conversation.end()


def half_an_event(conversation: Conversation) -> None:
    conversation.write(CHUNKED_HEAD)
    play(conversation, Script(finish=None, at_end=()))
    conversation.chunk(b'data: {"choices":[{"del')
    conversation.end()


def kept_open(conversation: Conversation) -> None:
    conversation.write(CHUNKED_HEAD)
    play(conversation)
    conversation.wait(1.5)


ENDING_SHAPES = (
    Shape("no [DONE], but a reason", chunked(Script(at_end=(USAGE,)))),
    Shape(
        "no [DONE] and no reason",
        chunked(Script(finish=None, at_end=(USAGE,))),
        failed(r"no \[DONE\] came", CUT),
    ),
    Shape("[DONE], never closed", kept_open),
    Shape("closed in the middle", hang_up, failed("cut after 5 chunks", CUT)),
    Shape(
        "an error inside",
        chunked(Script(finish=None, at_end=(DEAD, DONE))),
        failed("inside the stream: EngineDeadError", CUT),
    ),
    Shape("an event named error", named_error, failed("inside the stream: overloaded", CUT)),
    Shape("half an event", half_an_event, failed("no JSON|cut after", CUT)),
    Shape("stopped by itself", chunked(Script(finish="stop")), Expected(finish="stop")),
)
