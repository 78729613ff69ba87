import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.redaction import (
    HIDDEN,
    KNOWN_KEY_HIDDEN,
    SHORTEST_PIECE,
    Redactor,
    redacted,
    without_keys,
    without_secrets,
)

KEY = "vk-7Qm2Zr9TxB4nLw8YcE5uJd1HsKf6GvPa0oXiRb3MeN"

texts = st.lists(st.text("abk-", max_size=6), max_size=12)
pieces_of_the_key = st.builds(
    lambda begin, length: KEY[begin : begin + length],
    st.integers(0, len(KEY)),
    st.integers(0, len(KEY)),
)


@given(texts, st.text("abk-", min_size=1, max_size=5))
def test_cuts_do_not_matter(pieces: list[str], secret: str) -> None:
    redactor = Redactor(secret)
    shown = "".join(redactor.feed(piece) for piece in pieces) + redactor.close()
    assert shown == redacted("".join(pieces), secret)
    assert secret not in shown.split(KNOWN_KEY_HIDDEN)


@given(st.lists(pieces_of_the_key | st.text("xyz -", max_size=4), max_size=8))
def test_cuts_do_not_matter_to_pieces_of_a_key(pieces: list[str]) -> None:
    redactor = Redactor(KEY)
    shown = "".join(redactor.feed(piece) for piece in pieces) + redactor.close()
    assert shown == redacted("".join(pieces), KEY)
    size = SHORTEST_PIECE
    assert not any(KEY[at : at + size] in shown for at in range(len(KEY) - size + 1))


@given(texts)
def test_without_a_secret_text_passes_at_once(pieces: list[str]) -> None:
    redactor = Redactor(None)
    assert [redactor.feed(piece) for piece in pieces] == pieces
    assert redacted("text", None) == "text"
    assert redacted("a key b", "key") == f"a {KNOWN_KEY_HIDDEN} b"


def test_text_that_shows_no_piece_of_a_key_is_left() -> None:
    assert redacted("the vk-7Qm2 of it", KEY) == "the vk-7Qm2 of it"
    assert redacted(f"{KEY[:-1]}{KEY}", KEY) == KNOWN_KEY_HIDDEN * 2


def test_a_known_key_is_found_at_any_depth() -> None:
    report = {"reason": f"b: {KEY}", "steps": [{"broke": KEY}, 1.5, None]}
    hidden = without_keys(report, [KEY])
    assert hidden == {
        "reason": f"b: {KNOWN_KEY_HIDDEN}",
        "steps": [{"broke": KNOWN_KEY_HIDDEN}, 1.5, None],
    }


def test_a_short_key_does_not_take_words_apart() -> None:
    assert without_keys({"target": "a", "order": "interleaved"}, ["a", "leave"]) == {
        "target": "a",
        "order": "interleaved",
    }


def test_every_key_of_a_flag_that_takes_several_is_hidden() -> None:
    shown = without_secrets(["--api-key", "one", "two", "--port", "1", "api_key", "--seed"])
    assert shown == ["--api-key", HIDDEN, HIDDEN, "--port", "1", "api_key", "--seed"]


@pytest.mark.parametrize(
    "key",
    [
        "hf_" + "aB3d" * 6,
        "sk-" + "aB3d" * 6,
        "nvapi-" + "aB3d" * 8,
        "ghp_" + "aB3d" * 8,
        "glpat-" + "aB3d" * 5,
        "AKIA" + "ABCD" * 4,
        "eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSMeK",
    ],
)
def test_a_key_that_its_prefix_gives_away_is_hidden_in_any_text(key: str) -> None:
    assert without_secrets(f"docker run -e X={key} image") == f"docker run -e X={HIDDEN} image"


def test_a_piece_of_eight_characters_of_a_key_is_hidden_and_one_of_seven_may_be_a_word() -> None:
    assert redacted(f"<{KEY[5:13]}>", KEY) == f"<{KNOWN_KEY_HIDDEN}>"
    assert redacted(f"<{KEY[5:12]}>", KEY) == f"<{KEY[5:12]}>"
    assert without_keys("a 12345678 b", ["12345678"]) == f"a {KNOWN_KEY_HIDDEN} b"
    assert without_keys("a 1234567 b", ["1234567"]) == "a 1234567 b"


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_piece_that_goes_on_in_the_next_part_is_one(cut: int) -> None:
    redactor = Redactor(KEY)
    shown = redactor.feed(f"a {KEY[:cut]}") + redactor.feed(f"{KEY[cut:20]} b") + redactor.close()
    assert shown == f"a {KNOWN_KEY_HIDDEN} b"


def test_what_cannot_be_the_key_any_more_is_shown_at_once() -> None:
    redactor = Redactor(KEY)
    assert redactor.feed(f"a {KEY[:3]}") == "a "
    assert redactor.feed("!") == f"{KEY[:3]}!"
    assert redactor.close() == ""
