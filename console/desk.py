"""What lies beside the session: the configuration, earlier starts, the chosen prompt."""

from dataclasses import dataclass

from backends.domain.start import Start
from backends.prober.prompts import PARAGRAPH, Prompt
from backends.settings.config import Settings


@dataclass(frozen=True, slots=True)
class Desk:
    """What views need beside the session; changed by the user, never by a source.

    Attributes:
        earlier: finished starts of the watched server's model and arguments, newest first.
        since_wall_s: from when the meter runs, seconds since 1970.
        simulated: everything on screen is made up.
    """

    settings: Settings
    since_wall_s: float
    simulated: bool = False
    prompt: Prompt = PARAGRAPH
    earlier: tuple[Start, ...] = ()
