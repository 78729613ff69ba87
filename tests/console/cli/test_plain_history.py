"""One record of the history as text for a terminal: columns, and nothing of Markdown."""

from console.cli.history import plain_lines

PAGE = r"""| target | endpoint | model |
|---|---|---|
| a | chat\_1 | org/m \| x |
| b | serverless |  |

- NOT\_COMPARABLE: other lengths.
"""


def test_a_table_stands_in_columns_without_its_marks() -> None:
    assert list(plain_lines(PAGE)) == [
        "target  endpoint    model",
        "a       chat_1      org/m | x",
        "b       serverless",
        "",
        "NOT_COMPARABLE: other lengths.",
    ]
