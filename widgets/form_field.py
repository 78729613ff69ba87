"""One field of a form: its name, where its value is entered, and what is wrong with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.getters import query_one
from textual.message import Message
from textual.widgets import Input, Select, Static, TextArea

from backends.domain.vllm_help import Completion, VllmArgument, completions
from widgets.text import safe

MARK = "▸ "
"""Beside the name of the field that has the focus."""


@dataclass(frozen=True, slots=True)
class FieldView:
    """One field before anything is typed.

    Attributes:
        about: what it is for.
        hint: what stands in it while it is empty.
        choices: the values that there are, none where it is typed.
        lines: its value may take several.
    """

    key: str
    about: str = ""
    hint: str = ""
    text: str = ""
    choices: tuple[str, ...] = ()
    lines: bool = False


class Lines(TextArea):
    """A text of several lines, which the arguments of a vLLM complete.

    Attributes:
        arguments: those that are known by now.
    """

    def __init__(self, text: str, hint: str) -> None:
        super().__init__(
            text, soft_wrap=True, tab_behavior="focus", compact=True, highlight_cursor_line=False
        )
        self.placeholder = Content(hint)
        self.arguments: tuple[VllmArgument, ...] = ()

    def offered(self) -> Iterator[Completion]:
        """Yield how the word before the cursor may go on."""
        row, column = self.cursor_location
        if not self.document.get_line(row)[column : column + 1].strip():
            before = self.get_text_range((0, 0), self.cursor_location)
            yield from completions(before, self.arguments)

    def update_suggestion(self) -> None:
        """Show the first of them behind the cursor, where the key to the right takes it."""
        self.suggestion = next((each.rest for each in self.offered() if each.rest), "")

    def action_cursor_down(self, select: bool = False) -> None:
        """Go one line down, from the last one to the next field."""
        if self.cursor_at_last_line and not select:
            self.screen.focus_next()
        else:
            super().action_cursor_down(select)

    def action_cursor_up(self, select: bool = False) -> None:
        """Go one line up, from the first one to the field above."""
        if self.cursor_at_first_line and not select:
            self.screen.focus_previous()
        else:
            super().action_cursor_up(select)


class Choice(Select[str], inherit_bindings=False):
    """One of few values; its list opens by Enter alone, so that the arrows move between fields."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "show_overlay", "Choose", show=False)
    ]


class FormField(Vertical):
    """A line of a form, or several."""

    DEFAULT_CSS = """
    FormField {
        height: auto;
        & > Horizontal { height: auto; }
        & .key { width: 28; }
        & .about { display: none; width: 1.3fr; height: auto; padding-left: 2; }
        & .about, & SelectCurrent Static#label { color: $foreground 75%; }
        & Lines > .text-area--placeholder, & Lines > .text-area--suggestion {
            color: $foreground 75%;
            text-style: italic;
        }
        & Input > .input--placeholder { color: $foreground 75%; text-style: italic; }
        & SelectCurrent Static#label { text-style: italic; }
        & SelectCurrent.-has-value Static#label { color: $foreground; text-style: none; }
        & .fault { display: none; height: auto; padding-left: 28; color: $text-error; }
        &.-faulty .fault { display: block; }
        & Input, & Lines, & Select { width: 1fr; }
        & Input, & Lines, & SelectCurrent { background: $panel; }
        & Lines { height: auto; max-height: 8; padding: 0; }
        &.-here .key { color: $text-accent; text-style: bold; }
        & Input:focus, & Lines:focus { background-tint: $foreground 12%; }
        & Select:focus SelectCurrent { background-tint: $foreground 12%; }
    }
    """

    fault_line = query_one(".fault", Static)

    class Edited(Message):
        """Its value has changed, or the cursor has moved in it."""

        def __init__(self, field: "FormField") -> None:
            super().__init__()
            self.field = field

    def __init__(self, view: FieldView) -> None:
        super().__init__()
        self.view = view
        self._heading = Static(Content(f"{'':{len(MARK)}}{view.key}"), classes="key")
        self.editor = _editor(view)

    def compose(self) -> ComposeResult:
        """Lay out the name beside the value, and the fault below."""
        with Horizontal():
            yield self._heading
            yield self.editor
            yield Static(Content(self.view.about), classes="about")
        yield Static(classes="fault")

    @property
    def text(self) -> str:
        """What is entered."""
        if isinstance(self.editor, Select):
            return "" if self.editor.is_blank() else str(self.editor.value)
        return self.editor.text if isinstance(self.editor, TextArea) else self.editor.value

    def fault(self, sentence: str) -> None:
        """Say what is wrong with it; empty where nothing is."""
        self.set_class(bool(sentence), "-faulty")
        self.fault_line.update(Content(f"✖ {safe(sentence)}"))

    def on_descendant_focus(self) -> None:
        """Mark the name."""
        self.add_class("-here")
        self._heading.update(Content(f"{MARK}{self.view.key}"))

    def on_descendant_blur(self) -> None:
        """Take the mark away."""
        self.remove_class("-here")
        self._heading.update(Content(f"{'':{len(MARK)}}{self.view.key}"))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say so."""
        event.stop()
        self.post_message(self.Edited(self))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on to the next field."""
        event.stop()
        self.screen.focus_next()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Say so."""
        event.stop()
        self.post_message(self.Edited(self))

    def on_text_area_selection_changed(self, event: TextArea.SelectionChanged) -> None:
        """Say so: what completes the word under the cursor is another."""
        event.stop()
        self.post_message(self.Edited(self))

    def on_select_changed(self, event: Select.Changed) -> None:
        """Say so."""
        event.stop()
        self.post_message(self.Edited(self))


def _editor(view: FieldView) -> Input | Lines | Select[str]:
    if view.choices:
        there = (view.text,) if view.text and view.text not in view.choices else ()
        return Choice(
            [(Content(safe(one)), one) for one in (*view.choices, *there)],
            prompt=view.hint,
            value=view.text or Select.NULL,
            compact=True,
        )
    if view.lines:
        return Lines(view.text, view.hint)
    return Input(view.text, placeholder=view.hint, select_on_focus=False, compact=True)
