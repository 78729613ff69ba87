"""A form over one table of the configuration: fields, what is wrong with them, Save and Cancel."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.getters import query_one
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from backends.domain.values import Unfit
from backends.domain.vllm_help import VllmArgument
from backends.problem import Problem
from backends.settings.faults import ConfigError, Fault
from widgets.form_field import FieldView, FormField, Lines
from widgets.status_strip import StatusStrip
from widgets.still_footer import StillFooter
from widgets.text import safe

if TYPE_CHECKING:
    from backends.settings.form import Form
    from backends.settings.write import TomlValue

Values = Mapping[str, "TomlValue | None"]
Save = Callable[[str, Values], Awaitable[bool]]
"""Writes what has changed, under the name of a new table; False where it was called off."""

Arguments = Callable[[str], Awaitable[None]]
"""Looks for the arguments of a vLLM executable."""

FEW = 8
"""So many words that complete one are named."""


class FormFields(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Scrolls with the focus, and by the wheel; the arrows move between fields."""


class FormScreen(ModalScreen[bool | None]):
    """Shows every key of a table with its value; dismissed with True where it was written.

    It is modal so that nothing that is typed is a key of the console.

    Args:
        form: the table and its fields.
        views: each field as it stands.
        save: asks, and writes.
        arguments: called with the executable once its arguments are wanted.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save", id="form.save", tooltip="Show what changes, then write"),
        Binding("escape", "dismiss(None)", "Cancel", id="form.cancel", tooltip="Change nothing"),
        Binding(
            "up", "app.focus_previous", "Up", id="form.up", tooltip="The field above", show=False
        ),
        Binding(
            "down", "app.focus_next", "Down", id="form.down", tooltip="The field below", show=False
        ),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012
    DEFAULT_CSS = """
    FormScreen {
        background: $background;
        & #title { padding: 0 1; text-style: bold; color: $text-primary; }
        & FormFields { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
        &.-wide .about { display: block; }
        & #said { height: auto; max-height: 4; padding: 0 1; color: $foreground 75%; }
        & #said.-fault { color: $text-error; }
        & #orders { height: 1; padding: 0 1; }
        & #moves { width: 1fr; color: $foreground 75%; }
        & Button { margin-right: 2; }
        & Button:focus { text-style: reverse bold; }
    }
    """

    said = query_one("#said", Static)

    def __init__(
        self, form: "Form", views: tuple[FieldView, ...], save: Save, arguments: Arguments
    ) -> None:
        super().__init__()
        self._form = form
        self._keys = {each.key: each for each in form.fields}
        self._fields = {view.key: FormField(view) for view in views}
        self._save = save
        self._arguments = arguments
        self._asked_of = ""
        self._refused = False

    def compose(self) -> ComposeResult:
        """Lay out the fields above what is said of the one with the focus."""
        yield StatusStrip()
        yield Static(Content(safe(self._form.title)), id="title")
        with FormFields():
            yield from self._fields.values()
        yield Static(id="said")
        with Horizontal(id="orders"):
            yield Button("Save", id="save", compact=True, variant="primary")
            yield Button("Cancel", id="cancel", compact=True)
            yield Static("tab ↑ ↓ move", id="moves")
        yield StillFooter()

    def on_mount(self) -> None:
        """Begin with the first field."""
        next(iter(self._fields.values())).editor.focus()

    def know(self, arguments: tuple[VllmArgument, ...]) -> None:
        """Complete by these arguments from now on."""
        for each in self.query(Lines):
            if each is self._fields["args"].editor:
                each.arguments = arguments
                each.update_suggestion()
        self._explain()

    def on_descendant_focus(self) -> None:
        """Say what the field is for, and look for the arguments that it takes."""
        self._explain()
        field = self._focused_field()
        if field is not None and field.view.key == "args":
            executable = self._fields["vllm"].text or "vllm"
            of_this_host = self._fields["runtime"].text in {"", "process"}
            if of_this_host and executable != self._asked_of:
                self._asked_of = executable
                self.run_worker(self._arguments(executable), group="arguments", exclusive=True)

    def on_form_field_edited(self, message: FormField.Edited) -> None:
        """Take back what was wrong, once it is right, and say how the word may go on."""
        if message.field.has_class("-faulty"):
            self._check(message.field)
        self._refused = False
        self._explain()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Save or cancel."""
        if event.button.id == "save":
            self.action_save()
        else:
            self.dismiss(None)

    def action_save(self) -> None:
        """Ask with what would change, and write it."""
        self.run_worker(self._write(), group="save", exclusive=True)

    async def _write(self) -> None:
        faulty = [each for each in self._fields.values() if not self._check(each)]
        if faulty:
            faulty[0].editor.focus()
            self._say("Nothing was written: correct what is marked with ✖", fault=True)
            return
        # An empty field of a new table is a key that it goes without.
        adds = self._form.adds
        texts = {
            key: each.text
            for key, each in self._fields.items()
            if (each.text.strip() if adds else each.text != each.view.text)
        }
        values = {key: self._keys[key].taken(text) for key, text in texts.items()}
        name = str(values.pop("name")) if adds else ""
        if not values:
            self._say("Nothing has changed; there is nothing to write")
            return
        try:
            if await self._save(name, values):
                self.dismiss(True)
        except ConfigError as error:
            self._blame(error.faults, (*self._form.table, *filter(None, (name,))))
        except (Problem, OSError) as error:
            self._say(f"Nothing was written: {error}", fault=True)

    def _blame(self, faults: tuple[Fault, ...], table: tuple[str, ...]) -> None:
        """Put each fault beside its field, and say those that belong to none."""
        places = {".".join((*table, key)): each for key, each in self._fields.items()}
        if self._form.adds:
            places[".".join(table)] = self._fields["name"]
        others = []
        for fault in faults:
            sentence = f"{fault.what}; {fault.remedy}"
            if field := places.get(fault.key):
                field.fault(sentence)
            else:
                others.append(f"{fault.key} {sentence}")
        said = "; ".join(others) or "correct what is marked with ✖"
        self._say(f"Nothing was written: {said}", fault=True)

    def _check(self, field: FormField) -> bool:
        """Say what is wrong with a field, and return whether nothing is."""
        try:
            # What was there already and is left alone is the file's matter.
            if field.text != field.view.text or self._form.adds:
                self._keys[field.view.key].taken(field.text)
        except Unfit as error:
            field.fault(str(error))
            return False
        field.fault("")
        return True

    def _focused_field(self) -> FormField | None:
        focused = self.focused
        found = focused.ancestors_with_self if focused is not None else ()
        return next((each for each in found if isinstance(each, FormField)), None)

    def _explain(self) -> None:
        """Say what the field with the focus is for, or how the word in it may go on."""
        field = self._focused_field()
        if self._refused:
            return  # why nothing was written stays until something is typed
        if field is None:
            self._say("")
            return
        view = field.view
        said = f"{view.about} ({view.hint})" if view.hint else view.about
        if isinstance(field.editor, Lines) and (offered := list(field.editor.offered())):
            first = offered[0]
            words = "  ".join(each.word for each in offered[:FEW])
            more = f"  and {len(offered) - FEW} more" if len(offered) > FEW else ""
            value = f" {first.argument.value}" if first.argument.value else ""
            said = f"→ {words}{more}\n{first.argument.flag}{value}: {first.argument.about}"
        self._say(said)

    def _say(self, sentence: str, *, fault: bool = False) -> None:
        self._refused = fault
        self.said.set_class(fault, "-fault")
        self.said.update(Content(safe(sentence, keep_newlines=True)))
