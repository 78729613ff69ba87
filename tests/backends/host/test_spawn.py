"""What a process of our own inherits."""

import pytest

from backends.host.spawn import environment

KEYS = ("OPENAI_API_KEY", "INFERENCE_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "db_password")


def test_a_child_gets_no_variable_that_is_named_as_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEYS:
        monkeypatch.setenv(name, "sk-secret")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    inherited = environment()
    assert not set(KEYS) & set(inherited)
    assert inherited["TOKENIZERS_PARALLELISM"] == "false"
    assert set(KEYS) <= set(environment(resolves_keys=True))
    assert "HF_TOKEN" not in environment(["HF_TOKEN"], resolves_keys=True)
