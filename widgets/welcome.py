"""The welcome: what this host offers, to choose from."""

from dataclasses import dataclass
from typing import Literal

from textual.content import Content
from textual.events import Resize
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from backends.domain.format import UNKNOWN
from widgets.choices import Choices
from widgets.text import Part, arrange, cells, fit_name, line, safe, spread, styled, wrap

ItemKind = Literal["server", "model", "vllm", "container", "gpu", "demo"]

_BELOW = Content("\n")

_HEADS: dict[ItemKind, tuple[str, str]] = {
    "server": ("●", "running servers"),
    "model": ("▤", "models in the cache"),
    "vllm": ("▷", "vLLM executables"),
    "container": ("▣", "containers and images with vLLM"),
    "gpu": ("▦", "GPUs"),
    "demo": ("◐", "without a GPU"),
}


@dataclass(frozen=True, slots=True)
class WelcomeItem:
    """One thing that was found; `value` comes back when it is chosen."""

    kind: ItemKind
    value: str
    title: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class WelcomeView:
    """All that was found.

    Attributes:
        items: what can be chosen, except GPUs, which are only shown.
        nothing: for a kind of which nothing was found, the reason.
        looking: the search is still under way.
    """

    items: tuple[WelcomeItem, ...] = ()
    nothing: tuple[tuple[ItemKind, str], ...] = ()
    looking: bool = False


class Welcome(Choices):
    """A list with one heading for each kind."""

    BORDER_TITLE = "Found on this host"
    DEFAULT_CSS = """
    Welcome {
        border: round $foreground 25%;
        border-title-color: $text-primary;
        border-title-style: bold;
        background: transparent;
        padding: 0 1;
        text-wrap: nowrap;
        text-overflow: ellipsis;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
        &:focus { border: round $primary; }
        & > .option-list--option-disabled { color: $text; }
    }
    """

    view: reactive[WelcomeView] = reactive(WelcomeView())

    class Chosen(Message):
        """An item was chosen."""

        def __init__(self, kind: ItemKind, value: str) -> None:
            super().__init__()
            self.kind = kind
            self.value = value

    def watch_view(self, before: WelcomeView) -> None:
        """Show what was found; the mark stays where it is, or on top until the search is over."""
        key = self._marked_key()
        self._fill(None if before.looking and key == self._first_key() else key)

    def on_resize(self, event: Resize) -> None:
        """Lay the lines out for the new width."""
        del event
        self._fill(self._marked_key())

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Say what was chosen in the words of what was found."""
        event.stop()
        item = self._item(event.option_id)
        if item is not None:
            self.post_message(self.Chosen(item.kind, item.value))

    @property
    def marked(self) -> WelcomeItem | None:
        """The item that Enter would take."""
        return self._item(self._marked_key())

    def _item(self, key: str | None) -> WelcomeItem | None:
        return next((item for item in self.view.items if _key(item) == key), None)

    def _marked_key(self) -> str | None:
        return self.highlighted_option.id if self.highlighted_option else None

    def _first_key(self) -> str | None:
        return next((option.id for option in self.options if not option.disabled), None)

    def _fill(self, marked: str | None) -> None:
        width = self.scrollable_content_region.width
        if width <= 0:
            return
        self.set_options(options(self.view, width))
        kept = any(option.id == marked for option in self.options if not option.disabled)
        wanted = marked if kept else self._first_key()
        if wanted is not None:
            self.highlighted = self.get_option_index(wanted)


def options(view: WelcomeView, width: int) -> list[Option]:
    """Return headings, items and reasons as options; only what can be chosen is enabled."""
    reasons = dict(view.nothing)
    listed = []
    for kind, (glyph, words) in _HEADS.items():
        found = [item for item in view.items if item.kind == kind]
        if not found and kind not in reasons:
            continue
        listed.append(Option(_head(glyph, words, width), disabled=True))
        listed += [
            Option(_row(item, width), id=_key(item), disabled=kind == "gpu") for item in found
        ]
        if not found:
            reason = wrap(safe(reasons[kind]), width - len(f"  {UNKNOWN} "))
            first, *others = reason
            told = [line(f"  {UNKNOWN} {first}"), *(line(f"    {each}") for each in others)]
            listed.append(Option(_BELOW.join(told), disabled=True))
    if view.looking:
        listed.append(Option(styled("◔ looking…", "$foreground-muted"), disabled=True))
    return listed


def _key(item: WelcomeItem) -> str:
    """Name an item, whatever comes and goes above it while a choice is made."""
    return f"{item.kind} {item.value}"


def _head(glyph: str, words: str, width: int) -> Content:
    return arrange(
        [Part.of(0, f"{glyph} {words}", words, style="bold $text-primary", droppable=False)], width
    )


def _row(item: WelcomeItem, width: int) -> Content:
    """Return title and detail, below each other where one line does not hold both."""
    title, detail = safe(item.title), safe(item.detail)
    if not detail:
        return line("  ", fit_name(title, width - 2))
    if cells(title) + 2 + cells(detail) <= width - 2:
        return spread(line("  ", title), styled(detail, "$foreground-muted"), width)
    below = (styled(f"    {each}", "$foreground-muted") for each in wrap(detail, width - 4))
    return _BELOW.join((line("  ", fit_name(title, width - 2)), *below))
