"""A key of the configuration as the field of a form."""

from typing import Any

from backends.settings.form import Field
from widgets.form_field import FieldView


def field_view(field: Field, value: Any) -> FieldView:
    """Return a field with the value that the file has for it, None where it has none."""
    text = "" if value is None else field.shown(value)
    lines = field.shape in {"words", "table"}
    return FieldView(field.key, field.about, field.hint, text, field.choices, lines)
