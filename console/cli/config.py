"""``inferctl config``: a first configuration, its faults, and the schema that editors check by."""

import argparse
from dataclasses import replace
from pathlib import Path

from backends.discovery.offer import Offer
from backends.domain.server import RuntimeKind
from backends.operations.offer import offer_of_this_host
from backends.operations.profiles import executable_at, model_at, new_profile
from backends.problem import NotFound, UsageProblem
from backends.settings.config import Profile
from backends.settings.faults import ConfigError, Fault
from backends.settings.paths import config_file
from backends.settings.read import read_settings
from console.cli.output import document, show


def run(arguments: argparse.Namespace) -> int:
    """Write a server's table, tell the faults of the file, or print its schema.

    Raises:
        Problem: the configuration has faults or cannot be written, or what it needs is not given.
    """
    if arguments.action == "init":
        return _init(arguments)
    if arguments.action == "check":
        return _check(Path(arguments.file) if arguments.file else config_file(), arguments.json)
    from backends.settings.schema import config_schema  # noqa: PLC0415  for this action alone

    document(config_schema())
    return 0


def _init(arguments: argparse.Namespace) -> int:
    """Add the profile of one server, as the first screen does when a model is chosen."""
    from backends.settings.write import add_profile  # noqa: PLC0415  40 ms, for this action alone

    settings, offer = read_settings(), offer_of_this_host()
    if arguments.container and arguments.image:
        raise UsageProblem("--image and --container are two runtimes; choose one")
    outside = arguments.image or arguments.container
    profile = new_profile(
        _model(arguments.model, offer),
        arguments.vllm or "vllm" if outside else _executable(arguments.vllm, offer),
        settings,
        names={each.name for each in offer.servers},
        ports={each.port for each in offer.servers if each.port},
    )
    profile = _in_runtime(profile, arguments)
    path = add_profile(profile)
    if arguments.json:
        document({"file": path, "server": profile.name, "port": profile.port})
    else:
        show(f"[server.{profile.name}] is written to {path}")
        show(f"inferctl start {profile.name} --wait starts it on port {profile.port}")
    return 0


def _in_runtime(profile: Profile, arguments: argparse.Namespace) -> Profile:
    if arguments.image:
        return replace(profile, runtime=RuntimeKind(arguments.runtime), image=arguments.image)
    if arguments.container:
        return replace(profile, runtime=RuntimeKind.EXEC, container=arguments.container)
    return profile


def _model(named: str | None, offer: Offer) -> str:
    """Return the model to serve: the one that is named, else the only one of the cache."""
    if named:
        model = model_at(named)
        if model is None:
            raise NotFound(f"{named} is not a folder; name a folder with a model, or org/model")
        return model
    names = [each.name for each in offer.models]
    if len(names) == 1:
        return names[0]
    if names:
        raise UsageProblem(f"name the model: inferctl config init MODEL, of {', '.join(names)}")
    raise UsageProblem("name the model: inferctl config init MODEL; the cache holds none")


def _executable(named: str | None, offer: Offer) -> str:
    """Return the vLLM that serves it: the one that is named, else the only one of this host."""
    if named:
        path = executable_at(named)
        if path is None:
            raise NotFound(f"{named} is not an executable; name the vllm of an environment")
        return path
    paths = [str(each.path) for each in offer.executables]
    if len(paths) == 1:
        return paths[0]
    if paths:
        raise UsageProblem(f"say which vLLM serves it: --vllm PATH, of {', '.join(paths)}")
    raise UsageProblem("no vLLM was found here: install one, or name it: --vllm PATH")


def _check(path: Path, as_json: bool) -> int:
    """Tell every fault of the file; 1 where it has any."""
    if not path.exists():
        raise NotFound(f"{path} does not exist; inferctl config init writes a first one")
    faults: tuple[Fault, ...] = ()
    try:
        read_settings(path)
    except ConfigError as error:
        faults = error.faults
    if as_json:
        document({"file": path, "faults": faults})
    else:
        for fault in faults:
            show(str(fault))
        if not faults:
            show(f"{path}: no faults")
    return 1 if faults else 0
