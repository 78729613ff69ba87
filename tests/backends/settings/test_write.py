import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as testing
from hypothesis import strategies as st

from backends.settings.config import Endpoint, Profile, TokenPrices
from backends.settings.faults import ConfigError
from backends.settings.read import read_settings
from backends.settings.write import (
    Keys,
    TomlValue,
    add_profile,
    set_values,
    write_first_config,
)

PROFILE = Profile(
    name="gpt-oss",
    model="openai/gpt-oss-120b",
    vllm="/opt/venv/bin/vllm",
    args=("--max-model-len", "32768"),
    port=8001,
    environment=(("VLLM_LOGGING_LEVEL", "DEBUG"),),
)

COMMENTED = """\
# mine
[server.a]
model = "m"   # the small one
port = 8000

# end
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "inferctl" / "config.toml"


def test_the_first_configuration_reads_back_as_what_was_chosen(path: Path) -> None:
    write_first_config(PROFILE, path)
    assert read_settings(path).servers == (PROFILE,)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["config.toml"]


def test_the_examples_of_the_first_configuration_are_valid(path: Path) -> None:
    first_day = today()
    write_first_config(PROFILE, path)
    example = re.compile(r"^# (?=\[\w+\]$|\[endpoint\.|\w+ = )", re.MULTILINE)
    path.write_text(example.sub("", path.read_text()))
    settings = read_settings(path)
    days = (settings.servers[0].gpu_price_as_of, settings.endpoints[0].prices.as_of)
    assert days in {(first_day, first_day), (today(), today())}
    assert settings.endpoints[0].prices.input_usd_per_mtok == Decimal("0.10")
    assert settings.limits.ttft_p99_s == 1.0
    assert settings.billing.granularity_s == 3600


def today() -> date:
    return datetime.now(UTC).date()


def test_a_first_configuration_never_overwrites_one(path: Path) -> None:
    write_first_config(PROFILE, path)
    with pytest.raises(ConfigError, match="exists already"):
        write_first_config(PROFILE, path)


def test_a_value_is_set_and_every_other_character_stays(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(COMMENTED)
    set_values({("server", "a", "port"): 8100}, path)
    assert path.read_text() == COMMENTED.replace("8000", "8100")


@pytest.mark.parametrize("keys", [("limits", "ttft_p99_s"), ("theme",)], ids=str)
def test_a_missing_table_or_key_is_made(tmp_path: Path, keys: tuple[str, ...]) -> None:
    path = tmp_path / "config.toml"
    path.write_text(COMMENTED)
    set_values({keys: 1.5 if keys[0] == "limits" else "nord"}, path)
    settings = read_settings(path)
    assert (settings.limits.ttft_p99_s, settings.theme) in {(1.5, None), (None, "nord")}
    assert settings.servers[0].port == 8000
    assert "# mine" in path.read_text()
    assert "# the small one" in path.read_text()


def test_a_value_can_be_set_before_there_is_a_configuration(path: Path) -> None:
    set_values({("server", "new", "model"): "m"}, path)
    assert read_settings(path).servers == (Profile(name="new", model="m"),)


def test_a_faulty_value_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(COMMENTED)
    with pytest.raises(ConfigError, match="not a TCP port"):
        set_values({("server", "a", "port"): 70000}, path)
    with pytest.raises(ConfigError, match="not a table"):
        set_values({("server", "a", "port", "x"): 1}, path)
    assert path.read_text() == COMMENTED


def test_a_value_that_is_no_text_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(COMMENTED)
    with pytest.raises(ConfigError, match="not UTF-8"):
        set_values({("server", "a", "args"): ["--seed=\udcff"]}, path)
    assert path.read_text() == COMMENTED


def test_a_faulty_file_is_not_edited(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[server.a\n")
    with pytest.raises(ConfigError, match="not valid TOML"):
        set_values({("theme",): "nord"}, path)
    assert path.read_text() == "[server.a\n"


def test_a_whole_endpoint_is_set_at_once(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(COMMENTED)
    with pytest.raises(ConfigError, match="lacks model"):
        set_values({("endpoint", "e", "base_url"): "https://x/v1"}, path)
    place = ("endpoint", "e")
    day = date(2026, 11, 21)
    changes: dict[Keys, TomlValue] = {
        (*place, "base_url"): "https://x/v1",
        (*place, "model"): "m",
        (*place, "price_as_of"): day,
        ("limits", "ttft_p99_s"): 1,
    }
    set_values(changes, path)
    settings = read_settings(path)
    assert settings.endpoints == (Endpoint("e", "https://x/v1", "m", None, TokenPrices(as_of=day)),)
    assert settings.limits.ttft_p99_s == 1.0
    assert "\n[endpoint.e]\n" in path.read_text()


WORDS = st.text(
    st.characters(categories=["L", "N", "P", "S", "Zs"], include_characters="\"'\\#"), min_size=1
).filter(lambda word: word.strip() and word.isprintable())
VARIABLES = st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True)
PROFILES = st.builds(
    Profile,
    name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True),
    model=WORDS,
    vllm=WORDS,
    args=st.lists(WORDS.map("--seed={}".format), max_size=4).map(tuple),
    port=st.integers(1, 65535),
    host=st.sampled_from(["127.0.0.1", "0.0.0.0", "::1", "gpu-host"]),
    gpu_usd_per_hour=st.none() | st.decimals(0, 10**6, places=4),
    gpu_price_as_of=st.none() | st.dates(),
    environment=st.dictionaries(VARIABLES.filter(lambda name: name[-1] == "X"), WORDS).map(
        lambda pairs: tuple(pairs.items())
    ),
    api_key_env=st.none() | VARIABLES,
    served_name=st.none() | WORDS,
)


@testing(deadline=None, max_examples=50)
@given(profile=PROFILES)
def test_any_profile_reads_back_as_it_was_written(
    profile: Profile, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("written") / "config.toml"
    write_first_config(profile, path)
    assert read_settings(path).servers == (profile,)


def test_a_server_is_added_below_the_others(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(COMMENTED)
    add_profile(PROFILE, path)
    assert read_settings(path).servers == (Profile(name="a", model="m"), PROFILE)
    assert path.read_text().startswith(COMMENTED.removesuffix("\n# end\n"))
    assert "# end" in path.read_text()
    with pytest.raises(ConfigError, match="exists already"):
        add_profile(PROFILE, path)


def test_a_linked_configuration_stays_a_link_and_keeps_its_mode(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.write_text(COMMENTED)
    real.chmod(0o644)
    link = tmp_path / "config.toml"
    link.symlink_to(real)
    set_values({("theme",): "nord"}, link)
    assert link.is_symlink()
    assert 'theme = "nord"' in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o644


def test_what_stands_between_the_items_of_a_list_stays(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    written = """\
[server.a]
model = "m"
args = [
    "--max-model-len", "131072",  # as long as the longest question
    "--seed", "1",  # for the tests
]
"""
    path.write_text(written)
    set_values({("server", "a", "args"): ["--max-model-len", "61312", "--seed", "1"]}, path)
    assert path.read_text() == written.replace("131072", "61312")


def test_a_new_key_stands_above_the_comment_of_the_next_table(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[server.a]\nmodel = "m"\n\n# the second\n[server.b]\nmodel = "m"\n')
    set_values({("server", "a", "port"): 8001}, path)
    assert path.read_text() == (
        '[server.a]\nmodel = "m"\nport = 8001\n\n# the second\n[server.b]\nmodel = "m"\n'
    )
