"""What an error says, in whichever form its endpoint says it."""

import json
from functools import reduce
from typing import Any

import pytest

from backends.domain.ab.errors import error_message, named_fields, refusal

NESTED = json.dumps({"error": {"message": "no", "param": "temperature"}})

ERRORS: dict[str, tuple[Any, str]] = {
    "object": ({"error": {"message": "no", "code": 400}}, "no"),
    "array": ([{"error": {"message": "no", "status": "INVALID_ARGUMENT"}}], "no"),
    "string": ({"error": "no"}, "no"),
    "detail": ({"detail": "no"}, "no"),
    "detail by place": ({"detail": [{"loc": ["body", "x"], "msg": "extra"}]}, "body.x: extra"),
    "message and code": ({"message": "no", "code": 500}, "no"),
    "a code of its own": ({"statusCode": 400, "message": "no", "error": "Bad"}, "Bad: no"),
    "exception": ({"__type": "ValidationException", "message": "no"}, "no"),
    "the name of a code": ({"code": "Throttling.RateQuota", "message": "no"}, "no"),
    "a code under a key": (
        {"choices": None, "base_resp": {"status_code": 1008, "status_msg": "no"}},
        "no",
    ),
    "status": ({"status": "FAILED", "reason": "out of memory"}, "out of memory"),
    "nested in metadata": (
        {
            "error": {
                "message": "Provider returned error",
                "metadata": {
                    "raw": json.dumps({"error": {"message": "no", "param": "temperature"}})
                },
            }
        },
        "Provider returned error: no",
    ),
    "only a code": ({"error": {"code": 503}}, "503"),
    "a list of errors": ({"errors": [{"message": "no"}, {"message": "never"}]}, "no; never"),
    "in the choice": ({"choices": [{"error": {"message": "no"}, "delta": {}}]}, "no"),
    "by finish reason": (
        {"choices": [{"delta": {}, "finish_reason": "error"}]},
        "it ended with finish_reason 'error'",
    ),
    "of a response": ({"type": "response.failed", "response": {"error": {"message": "no"}}}, "no"),
}


@pytest.mark.parametrize(("document", "said"), ERRORS.values(), ids=ERRORS)
def test_errors_in_every_form(document: Any, said: str) -> None:
    assert error_message(document) == said
    assert refusal(json.dumps(document).encode()) == said


@pytest.mark.parametrize(
    "document",
    [
        *({"choices": []}, {"id": "x"}, {"status": "IN_QUEUE"}, [], 3),
        {"code": "Success", "message": "queued"},
        {"choices": [], "base_resp": {"status_code": 0, "status_msg": ""}},
    ],
)
def test_what_is_no_error(document: Any) -> None:
    assert error_message(document) is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html><head><title>502 Bad\n Gateway</title></head><body>x</body>", "502 Bad Gateway"),
        (b"<html><body><h1>Oops &amp; more</h1></body>", "Oops & more"),
        (b"unknown field: x", "unknown field: x"),
        (b'"Unauthorized"', "Unauthorized"),
        (b'{"message":"no"}', "no"),
        (b"", None),
        (b"{", None),
        (b"\x1f\x8b\x00", None),
    ],
)
def test_what_the_body_of_a_refusal_says(body: bytes, said: str | None) -> None:
    assert refusal(body) == said


def test_the_fields_that_an_error_names() -> None:
    raw = json.dumps({"error": {"param": "temperature"}})
    document = {
        "error": {
            "param": "stream_options.x",
            "details": [{"fieldViolations": [{"field": "top_p"}]}],
            "metadata": {"raw": raw},
        },
        "detail": [{"loc": ["body", "seed"]}],
    }
    assert set(named_fields(document)) == {"stream_options.x", "top_p", "temperature", "body.seed"}


def test_a_cause_is_looked_for_within_six_levels() -> None:
    def nested(levels: int) -> object:
        within: object = "too many tokens"
        return reduce(lambda inner, _: {"error": inner}, range(levels), within)

    assert error_message(nested(7)) == "too many tokens"
    assert error_message(nested(8)) != "too many tokens"


def test_an_error_within_a_text_is_read_up_to_64_kib() -> None:
    def passed_on(length: int) -> str | None:
        inner = json.dumps({"error": {"message": "no", "pad": ""}})
        inner = inner.replace('"pad": ""', f'"pad": "{"x" * (length - len(inner))}"')
        assert len(inner) == length
        return error_message({"error": {"message": inner}})

    assert passed_on(64 * 1024) == "no"
    assert passed_on(64 * 1024 + 1) != "no"
