"""What the app tells itself."""

from textual.message import Message

from backends.domain.facts import Fact


class Happened(Message):
    """A source yielded a fact."""

    def __init__(self, fact: Fact) -> None:
        super().__init__()
        self.fact = fact
