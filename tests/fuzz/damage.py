"""Documents as they come, damaged as nobody would write them."""

from collections.abc import Sequence

from hypothesis import strategies as st

ODD = (
    *(b"9" * 5000, b"-1", b"-0", b"1e999", b"1e-999", b"NaN", b"Infinity", b"0x10", b"1_0"),
    *(b"null", b"true", b'""', b"''", b"[]", b"{}", b"[[]]", b'{"":0}', b",,", b'"', b"'", b"\\"),
    *(b"[" * 30_000, b'{"a":' * 20_000, b"a." * 5000, b"\\ud800", b"\\u0000", b"\xed\xa0\x80"),
    *(b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r\n", b"\r", b"\n\n", b"\x1b]52;c;eA==\x07"),
    *(
        "²".encode(),
        "\u202e".encode(),
        "\u2028".encode(),
        b" " * 5000,
        b"9999-12-31",
        b"0001-01-01",
    ),
)
"""What readers stumble over: numbers, nesting, encodings, ends of lines, years."""

PLACES = st.integers(0, 1 << 20)
LENGTHS = st.sampled_from([0, 1, 2, 7, 40, 400])


@st.composite
def damaged(draw: st.DrawFn, documents: Sequence[bytes], most: int = 6) -> bytes:
    """Return one of the documents with up to `most` cuts, copies, swaps and odd words in it."""
    document = draw(st.sampled_from(documents))
    for _ in range(draw(st.integers(0, most))):
        at = draw(PLACES) % (len(document) + 1)
        end = min(len(document), at + draw(LENGTHS))
        put = draw(
            st.one_of(
                st.sampled_from(ODD),
                st.binary(max_size=8),
                st.just(document[at : end + 40]),
                st.just(b""),
            )
        )
        document = document[:at] + put + document[end:]
    return document
