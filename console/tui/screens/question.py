"""Questions that must be answered before something happens."""

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from widgets.choices import Choices


class Question(ModalScreen[str | None]):
    """A sentence and its answers; dismissed with the answer's id, None for Escape.

    Args:
        sentence: what is asked, in plain text.
        answers: id and words of each answer; the first is what Enter takes.
    """

    AUTO_FOCUS = "Choices"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", id="question.cancel", tooltip="Do nothing")
    ]

    def __init__(self, sentence: str, answers: tuple[tuple[str, str], ...]) -> None:
        super().__init__()
        self._sentence = sentence
        self._answers = answers

    def compose(self) -> ComposeResult:
        """Lay out the sentence above the answers."""
        with Vertical():
            with VerticalScroll():
                yield Static(Content(self._sentence))
            yield Choices(*(Option(Content(words), id=answer) for answer, words in self._answers))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take the answer."""
        self.dismiss(event.option.id)


class TextQuestion(ModalScreen[str | None]):
    """A choice among prepared texts, or a typed one; dismissed with the id or the typed text.

    What is typed or pasted goes into the input line, wherever the focus is.

    Args:
        sentence: what is asked.
        choices: id and words of each prepared text.
        hint: what the empty input line says.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", id="question.cancel", tooltip="Do nothing")
    ]
    DEFAULT_CLASSES = "question"

    def __init__(self, sentence: str, choices: tuple[tuple[str, str], ...], hint: str) -> None:
        super().__init__()
        self._sentence = sentence
        self._choices = choices
        self._hint = hint

    def compose(self) -> ComposeResult:
        """Lay out the sentence, the prepared texts and the input line."""
        with Vertical():
            yield Static(Content(self._sentence))
            if self._choices:
                options = (Option(Content(words), id=choice) for choice, words in self._choices)
                yield Choices(*options)
            yield Input(placeholder=self._hint, select_on_focus=False)

    def on_key(self, event: events.Key) -> None:
        """Begin to type, where the focus was on the prepared texts."""
        if event.is_printable and event.character is not None:
            self._type(event.character)
            event.stop()

    def on_paste(self, event: events.Paste) -> None:
        """Take pasted text, where the focus was on the prepared texts."""
        self._type(next(iter(event.text.splitlines()), ""))
        event.stop()

    def _type(self, text: str) -> None:
        typed = self.query_one(Input)
        typed.focus()
        typed.insert_text_at_cursor(text)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take the prepared text."""
        self.dismiss(event.option.id)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the typed text."""
        self.dismiss(event.value or None)
