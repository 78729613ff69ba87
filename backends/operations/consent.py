"""What a person is asked before requests are sent that may cost money or disturb others."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Consent:
    """A question, the same for the key and for the verb.

    Attributes:
        what: what is sent or stopped, how often and where.
        cost_text: what that costs at most, or that it is unknown.
        most_usd: the same as an amount in US dollars; None where it is unknown or nothing is priced
            by the token.
        needed: whether a person must say yes; false where nothing can be charged.
    """

    what: str
    cost_text: str
    most_usd: Decimal | None = None
    needed: bool = True

    @property
    def sentence(self) -> str:
        """What is asked, in one sentence."""
        return f"{self.what}: {self.cost_text}"
