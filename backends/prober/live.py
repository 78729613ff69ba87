"""The text of a running request as facts, without the key should the server send it back."""

from collections.abc import Callable, Sequence

from backends.domain.ab.facts import AbFact, TextArrived
from backends.domain.ab.tokens import Piece
from backends.domain.redaction import Redactor
from backends.prober import clock
from backends.prober.protocol import Target


class LiveText:
    """Tells the text of one run as it is understood."""

    def __init__(self, target: Target, tell: Callable[[AbFact], None]) -> None:
        self._target = target.name
        self._tell = tell
        self._content = Redactor(target.api_key)
        self._reasoning = Redactor(target.api_key)
        self._tokens: int | None = None

    def take(self, at_ns: int, pieces: Sequence[Piece]) -> None:
        """Tell what these pieces brought."""
        self._tokens = pieces[-1].counted
        thought = "".join(piece.reasoning for piece in pieces)
        text = "".join(piece.content for piece in pieces)
        self._post(at_ns, self._reasoning.feed(thought), reasoning=True)
        self._post(at_ns, self._content.feed(text), reasoning=False)

    def close(self) -> None:
        """Tell what was held back."""
        now_ns = clock.now_ns()
        self._post(now_ns, self._reasoning.close(), reasoning=True)
        self._post(now_ns, self._content.close(), reasoning=False)

    def _post(self, at_ns: int, text: str, *, reasoning: bool) -> None:
        if text:
            at = clock.stamp_of(at_ns)
            self._tell(TextArrived(at, self._target, text, reasoning, self._tokens))
