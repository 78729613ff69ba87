from hypothesis import given
from hypothesis import strategies as st

from backends.prober.redaction import SHOWN_INSTEAD, Redactor, redacted

texts = st.lists(st.text("abk-", max_size=6), max_size=12)


@given(texts, st.text("abk-", min_size=1, max_size=5))
def test_cuts_do_not_matter(pieces: list[str], secret: str) -> None:
    redactor = Redactor(secret)
    shown = "".join(redactor.feed(piece) for piece in pieces) + redactor.close()
    assert shown == "".join(pieces).replace(secret, SHOWN_INSTEAD)


@given(texts)
def test_without_a_secret_text_passes_at_once(pieces: list[str]) -> None:
    redactor = Redactor(None)
    assert [redactor.feed(piece) for piece in pieces] == pieces
    assert redacted("text", None) == "text"
    assert redacted("a key b", "key") == f"a {SHOWN_INSTEAD} b"
