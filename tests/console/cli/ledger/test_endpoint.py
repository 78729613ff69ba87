"""``endpoint add`` and ``check``: a preset becomes a table, and a request shows what is there."""

import json

import pytest

from backends.settings.paths import config_file
from backends.settings.read import read_settings
from tests.backends.prober.scripted_server import Conversation, a_good_stream, plain, serving
from tests.console.cli.ledger.conftest import MadeHost


def test_a_preset_becomes_a_commented_table_behind_what_was_there(verbs: MadeHost) -> None:
    verbs.configure('[endpoint.old] # kept\nbase_url = "http://127.0.0.1:9/v1"\nmodel = "m"')
    code, _, err = verbs.run(
        *("endpoint", "add", "az", "--preset", "azure-deployment", "--model", "gpt"),
        *("--fill", "RESOURCE=mine", "--fill", "DEPLOYMENT=d"),
    )
    assert code == 0, err
    text = config_file().read_text()
    assert "[endpoint.old] # kept" in text
    assert "# Azure OpenAI, path of a deployment, as " in text
    endpoint = read_settings().endpoint("az")
    assert endpoint is not None
    assert endpoint.base_url == "https://mine.openai.azure.com/openai/deployments/d"
    assert (endpoint.form.auth, endpoint.form.query) == (
        "api-key",
        (("api-version", "2024-10-21"),),
    )
    code, _, err = verbs.run("endpoint", "add", "az", "--preset", "groq")
    assert code != 0
    assert "exists already" in err


def test_what_is_left_to_fill_in_is_said(verbs: MadeHost) -> None:
    code, out, _ = verbs.run("endpoint", "add", "r", "--preset", "runpod", "--json")
    assert code == 0
    assert json.loads(out)["to_fill_in"] == ["ENDPOINT_ID", "MODEL"]
    assert "# Fill in ENDPOINT_ID, MODEL." in config_file().read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--preset", "grok"), "did you mean groq"),
        (("--preset", "replicate"), "not OpenAI's"),
        (("--preset", "groq", "--fill", "X=1"), "no X to fill in"),
        (("--preset", "azure", "--fill", "RESOURCE"), "not WORD=VALUE"),
    ],
)
def test_what_cannot_be_added_is_one_sentence(
    words: tuple[str, ...], said: str, verbs: MadeHost
) -> None:
    code, _, err = verbs.run("endpoint", "add", "x", *words)
    assert code != 0
    assert said in err


def test_a_check_shows_what_works_was_adapted_and_is_missing(verbs: MadeHost) -> None:
    def cold_and_picky(conversation: Conversation) -> None:
        if conversation.number == 0:
            plain("503 No", b'{"error":"loading"}', more="retry-after-ms: 300\r\n")(conversation)
        elif "temperature" in conversation.body:
            plain("400 Bad", b'{"error":{"param":"temperature"}}')(conversation)
        else:
            a_good_stream(conversation)

    with serving(cold_and_picky) as server:
        reference = f"{server.base_url}#m"
        found = verbs.document("endpoint", "check", reference)
        code, out, _ = verbs.run("endpoint", "check", reference)
    assert found["ok"] is True
    outcomes = {check["about"]: check["outcome"] for check in found["checks"]}
    assert outcomes["stream"] == outcomes["usage"] == "works"
    assert outcomes["fields"] == outcomes["cold start"] == "adapted"
    assert outcomes["price"] == outcomes["model"] == "missing"
    assert code == 0
    assert len(out.splitlines()) < 20


def test_an_endpoint_that_does_not_answer_is_one(verbs: MadeHost) -> None:
    with serving(plain("401 Unauthorized", b'{"error":"no"}')) as server:
        code, out, _ = verbs.run("endpoint", "check", f"{server.base_url}#m")
    assert code == 1
    assert "missing  an answer: HTTP 401: the endpoint does not accept the API key" in out
