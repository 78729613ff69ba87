"""From a profile to a launch: the command line, and where a key goes."""

from dataclasses import replace

import pytest

from backends.operations import servers
from backends.problem import NotFound, Problem
from backends.settings.config import Profile, Settings

PROFILE = Profile("chat", "org/model", vllm="/opt/vllm", port=8123)


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (PROFILE, "/opt/vllm serve org/model --host 127.0.0.1 --port 8123"),
        (
            replace(PROFILE, args=("--max-model-len", "1024")),
            "/opt/vllm serve org/model --host 127.0.0.1 --port 8123 --max-model-len 1024",
        ),
        (
            replace(PROFILE, served_name="small", host="0.0.0.0"),
            "/opt/vllm serve org/model --host 0.0.0.0 --port 8123 --served-model-name small",
        ),
    ],
    ids=["plain", "arguments", "named"],
)
def test_the_command_line(profile: Profile, expected: str) -> None:
    assert " ".join(servers.command(profile)) == expected


def test_loopback_is_the_default_and_more_must_be_asked_for() -> None:
    assert not PROFILE.binds_beyond_loopback
    assert replace(PROFILE, host="0.0.0.0").binds_beyond_loopback


def test_a_key_goes_into_the_environment_and_never_into_arguments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CHAT_KEY", "sk-hidden")
    order = servers.order(replace(PROFILE, api_key_env="CHAT_KEY"))
    assert order.environment["VLLM_API_KEY"] == "sk-hidden"
    assert "sk-hidden" not in " ".join(order.argv)


def test_a_key_that_is_not_there_is_told_by_its_name_before_anything_starts() -> None:
    with pytest.raises(Problem, match="CHAT_KEY"):
        servers.order(replace(PROFILE, api_key_env="CHAT_KEY"))


@pytest.mark.parametrize(
    ("profile", "model"),
    [
        (PROFILE, "org/model"),
        (replace(PROFILE, served_name="small"), "small"),
        (replace(PROFILE, args=("--served-model-name", "other")), "other"),
    ],
    ids=["model", "served_name", "argument"],
)
def test_readiness_is_proven_under_the_name_that_requests_use(profile: Profile, model: str) -> None:
    assert servers.order(profile).model == model


def test_every_start_has_an_id_of_its_own() -> None:
    assert servers.order(PROFILE).start_id != servers.order(PROFILE).start_id


@pytest.mark.parametrize(
    ("profiles", "remedy"), [((), r"\[server.NAME\]"), ((PROFILE,), "there are chat")]
)
def test_an_unknown_profile_is_told_with_what_there_is(
    profiles: tuple[Profile, ...], remedy: str
) -> None:
    with pytest.raises(NotFound, match=remedy):
        servers.profile_named(Settings(profiles), "nobody")
