"""Text of others made harmless: against Unicode's own database, and for each kind of file."""

import json
import sys
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.visible import (
    bounded,
    csv_cell,
    markdown,
    visible,
    visible_json,
)
from backends.wire import json_text

OBEYED = {"Cc", "Cf", "Cs", "Zl", "Zp"}
JOINER = "\u200d"


def test_nothing_of_unicode_that_is_obeyed_stays() -> None:
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        shown = visible(character)
        if category(character) in OBEYED and character != JOINER:
            assert not OBEYED & {category(each) for each in shown}, hex(code)
            assert shown
        elif category(character) != "Cn":
            assert shown == character, hex(code)


def test_ordinary_text_of_any_language_is_left() -> None:
    for text in ("Qwen/Qwen3-8B", "日本語 한국어 العربية עברית", "naïve café – 12 €", "👩\u200d💻"):
        assert visible(text) == text
        assert json_text(text) == f'"{text}"'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2J", "a␛[2J"),
        ("\x9b31m", "\\u009b31m"),
        ("\u202egnp", "\\u202egnp"),
        ("a\r\nb\tc", "a␍␊b    c"),
        ("\x07\x08\x7f", "␇␈␡"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
        ("\uffff", "\\uffff"),
    ],
)
def test_what_is_obeyed_is_seen(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(alphabet=st.characters(), max_size=40))
def test_json_keeps_every_value(text: str) -> None:
    written = visible_json(json.dumps({text: [text]}, ensure_ascii=False))
    assert json.loads(written) == {text: [text]}
    assert not OBEYED & {category(each) for each in written if each != JOINER}


def test_of_long_text_is_told_how_much_was_cut() -> None:
    assert bounded("x" * 10, 10) == "x" * 10
    assert bounded("x" * 1234, 10) == "x" * 10 + "… (1,224 more characters)"


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        (None, ""),
        (-1.5, -1.5),
        ("-0.00123", "-0.00123"),
        ("+3e5", "+3e5"),
        ("client_limited", "client_limited"),
        ("=1+1", "'=1+1"),
        ("+cmd", "'+cmd"),
        ("-cmd", "'-cmd"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'    =1"),
        ("\rx", "'␍x"),
        ("a\nb", "a␊b"),
    ],
)
def test_a_cell_is_no_formula(cell: object, written: object) -> None:
    assert csv_cell(cell) == written


def test_markdown_shows_markup_as_it_stands() -> None:
    assert markdown("<b>`x`|[y](z)\\&#8238;\n# a") == "\\<b\\>\\`x\\`\\|\\[y\\](z)\\\\\\&#8238;␊# a"
