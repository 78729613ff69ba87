"""Text of others made harmless wherever it leaves as text: terminal, CSV, Markdown, SVG, JSON."""

import re
from unicodedata import category

LONGEST_FIELD = 500
"""Characters of one cell of a table; no model id, process title or path of use is longer."""

LONGEST_LINE = 10_000
"""Characters of one line; vLLM's own longest log lines take less."""

LONGEST_CSV_CELL = 32_000
"""Characters of one CSV cell; spreadsheets hold 32,767 (Excel's specification and limits)."""

TAB = "    "

_OBEYED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories of control, format and surrogate characters and of line separators."""

_JOINER = 0x200D  # joins emoji and Indic letters; it moves nothing
_FORMULA_BEGINS = ("=", "+", "-", "@")
_MARKUP = re.compile(r"[\\`|<>&\[\]]")


def _is_obeyed(code: int) -> bool:
    not_a_character = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    return not_a_character or (category(chr(code)) in _OBEYED and code != _JOINER)


def _escape(code: int) -> str:
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


class _Shown(dict[int, str]):
    """What stands for each character, worked out when it is first seen."""

    def __missing__(self, code: int) -> str:
        shown = _escape(code) if _is_obeyed(code) else chr(code)
        self[code] = shown
        return shown


class _ShownInJson(dict[int, str]):
    r"""As in `_Shown`, as JSON writes it: beyond ``\uffff`` as a pair of surrogates."""

    def __missing__(self, code: int) -> str:
        shown = chr(code)
        if _is_obeyed(code):
            units = chr(code).encode("utf-16-be", "surrogatepass").hex()
            shown = "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
        self[code] = shown
        return shown


_PICTURES = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "\u2421", 0x09: TAB}
_SHOWN = _Shown(_PICTURES)
_SHOWN_EXCEPT_NEWLINE = _Shown(_PICTURES | {0x0A: "\n"})
_SHOWN_IN_JSON = _ShownInJson({0x0A: "\n"})


def visible(text: str, *, keep_newlines: bool = False) -> str:
    r"""Return text whose control, direction and invisible characters are seen, not obeyed.

    The controls of ASCII become Unicode's pictures of them, a tab four spaces, every other such
    character its number, as in ``\u202e``. All other text is left as it is.
    """
    if text.isprintable():
        return text
    return text.translate(_SHOWN_EXCEPT_NEWLINE if keep_newlines else _SHOWN)


def bounded(text: str, most: int = LONGEST_FIELD) -> str:
    """Return text of at most about `most` characters, made visible; a cut one says how much."""
    if len(text) <= most:
        return visible(text)
    return f"{visible(text[:most])}… ({len(text) - most:,} more characters)"


def visible_json(text: str) -> str:
    r"""Return a JSON text in which characters that a terminal obeys stand as ``\uXXXX``.

    Its values stay what they were. Newlines are kept: outside of strings JSON has no other
    control characters, and inside of them it has none.
    """
    return text.translate(_SHOWN_IN_JSON)


def csv_cell(value: object) -> object:
    """Return one cell of a CSV file: unknown is empty, text is no formula, numbers are left.

    A spreadsheet computes what begins with ``=``, ``+``, ``-``, ``@``, tab or carriage return
    (OWASP, "CSV Injection"); an apostrophe before it makes it text again.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    begins_formula = value.lstrip().startswith(_FORMULA_BEGINS) or value[:1] in ("\t", "\r")
    guard = "'" if begins_formula and not _is_number(value) else ""
    return guard + bounded(value, LONGEST_CSV_CELL)


def markdown(text: str, most: int = LONGEST_LINE) -> str:
    """Return text as one line of Markdown in which nothing is markup, HTML or a cell's border."""
    return _MARKUP.sub(r"\\\g<0>", bounded(text, most))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
