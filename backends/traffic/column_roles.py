"""What the columns of one file of traffic are."""

from dataclasses import dataclass

from backends.traffic.names import MEANS, words


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of one file are.

    Attributes:
        at: those that make up the instant, a date and a time of day where there are two.
        unit: of the instant where it is a number; None for text.
        relative: it counts from a beginning of its own.
        day_first: written as 21/11/2026.
        end: the end of the row's interval, where rows count intervals.
        requests: how many a row stands for; None for one each.
        input: the columns whose sum it is; of `output` and `cached` likewise.
        total: input and output together, where one of the two has no column of its own.
        status: says whether a request was served.
        model: says which model served it.
        conversation, blocks: whose turn it is, and the hashes of its prompt's blocks.
        zone_assumed: instants have no zone and are taken as UTC.
    """

    at: tuple[str, ...]
    unit: str | None = None
    relative: bool = False
    day_first: bool = False
    end: str | None = None
    requests: str | None = None
    input: tuple[str, ...] = ()
    output: tuple[str, ...] = ()
    cached: tuple[str, ...] = ()
    total: str | None = None
    status: str | None = None
    model: str | None = None
    conversation: str | None = None
    blocks: str | None = None
    zone_assumed: bool = False

    @property
    def of_means(self) -> bool:
        """Whether rows of several requests tell the mean tokens of one of them."""
        counts = (*self.input, *self.output)
        return self.requests is not None and all(MEANS & set(words(each)) for each in counts)

    def assumed(self) -> tuple[str, ...]:
        """Return what no row says and is taken as so."""
        said = ["times have no zone and are taken as UTC"] if self.zone_assumed else []
        if self.relative:
            said.append(
                f"times count {self.unit} from a beginning of their own, taken as a midnight"
            )
        return tuple(said)

    def roles(self) -> dict[str, str]:
        """Return what was understood, as the columns of each role."""
        named: dict[str, tuple[str | None, ...]] = {
            "at": self.at,
            "end": (self.end,),
            "requests": (self.requests,),
            "input": self.input or (self.total, *self.output),
            "output": self.output or (self.total, *self.input),
            "cached": self.cached,
            "status": (self.status,),
            "model": (self.model,),
            "conversation": (self.conversation,),
            "blocks": (self.blocks,),
        }
        joined = {
            "input": " + " if self.input else " - ",
            "output": " + " if self.output else " - ",
        }
        return {
            role: joined.get(role, " ").join(filter(None, columns))
            for role, columns in named.items()
            if any(columns)
        }
