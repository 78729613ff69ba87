"""The text of a running request as facts, without the key should the server send it back."""

from collections.abc import Callable, Sequence

from backends.domain.ab.facts import AbFact, TextArrived
from backends.domain.ab.tokens import Piece
from backends.domain.redaction import Redactor
from backends.prober import clock
from backends.prober.protocol import Target


class _Hidden:
    """Text without any of these keys, each hidden by a redactor of its own."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._redactors = [Redactor(key) for key in keys]

    def feed(self, text: str) -> str:
        for redactor in self._redactors:
            text = redactor.feed(text)
        return text

    def close(self) -> str:
        held = ""
        for redactor in self._redactors:
            held = redactor.feed(held) + redactor.close()
        return held


class LiveText:
    """Tells the text of one run as it is understood."""

    def __init__(self, target: Target, tell: Callable[[AbFact], None]) -> None:
        self._target = target.name
        self._tell = tell
        self._content = _Hidden(target.secrets)
        self._reasoning = _Hidden(target.secrets)
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
