"""A simulated vLLM: ``python -m backends.simulated.vllm serve MODEL [any argument of vLLM's]``.

A real process with vLLM's process tree, log, port, endpoints, signals and ways to fail, which
replays a recorded start and then serves. The environment steers it:

- ``INFERCTL_SIMULATED_START``: a shipped start or the path of a script; `script` tells its form.
- ``INFERCTL_SIMULATED_SPEED``: divides all times; ``INFERCTL_SIMULATED_SERVING_SPEED`` sets those
  of the answers apart from those of the start.
- ``INFERCTL_SIMULATED_FAILURE``: a kind of failure, in which this start ends.
- ``INFERCTL_SIMULATED_GPU``: the file that stands for the GPUs.
- ``INFERCTL_SIMULATED_SIGTERM``: what the first SIGTERM does while the engine starts, ``swallow``
  or ``deadlock``; vLLM 0.32 does either.
- ``INFERCTL_SIMULATED_DOWNLOAD``: ``BYTES@SECONDS`` are first fetched to the Hugging Face cache
  (``HF_HUB_CACHE`` or ``HF_HOME``), true bytes in true files.
- ``VLLM_LOGGING_PREFIX``: what stands before every record; may hold ``%(created)f``.
- ``VLLM_API_KEY``: the key that requests under ``/v1`` must bring.

``--help`` prints a part of what vLLM 0.32 prints.
"""

import asyncio
import os
import signal
import socket
import sys
from dataclasses import replace
from importlib.resources import files
from typing import NoReturn

from backends.simulated.apiserver import ApiServer
from backends.simulated.arguments import BadArgument, ServeArguments, parse_arguments
from backends.simulated.board import GpuBoard
from backends.simulated.controls import Controls, read_controls
from backends.simulated.engine import Engine
from backends.simulated.failures import Collapse, Frame, collapse_api, collapse_of, print_usage
from backends.simulated.link import Link
from backends.simulated.pace import Pace, since_launch
from backends.simulated.player import Player, spoken_values
from backends.simulated.process import fork
from backends.simulated.scheduler import BLOCK_TOKENS
from backends.simulated.script import StartScript, UnreadableScript, find_script
from backends.simulated.timeline import Timeline, before, lay_out
from backends.simulated.waiting import EngineStart
from backends.simulated.wording import Wording, api_server


def main() -> None:
    """Run ``vllm serve`` as a simulation; exit as vLLM would."""
    try:
        controls = read_controls()
        script = find_script(controls.start)
    except (ValueError, UnreadableScript) as error:
        sys.exit(f"simulated vLLM: {error}")
    if sys.argv[1:] in (["--version"], ["-v"]):
        sys.stdout.write(f"{script.vllm_version}\n")
        return
    if {"-h", "--help", "--help=all"} & set(sys.argv):
        sys.stdout.write(files(__package__).joinpath("serve_help.txt").read_text("utf-8"))
        return
    pace = since_launch(controls.speed)
    try:
        arguments = parse_arguments(sys.argv[1:])
    except BadArgument as error:
        _refuse_arguments(script, pace, str(error))
    if arguments.num_gpu_blocks is not None:
        script = replace(script, kv_cache_tokens=arguments.num_gpu_blocks * BLOCK_TOKENS)
    timeline = lay_out(script, eager=arguments.enforce_eager)
    pace.absorb_delay(timeline.opening[0].at_s)
    player = _api_player(script, arguments, pace)
    collapse = collapse_of(controls.failure) if controls.failure else None
    if collapse and arguments.max_model_len and arguments.max_model_len <= collapse.fits_model_len:
        collapse = None
    port = _open(player, timeline, arguments, collapse)
    link, engine_pid = _launch_engine(
        script,
        arguments,
        controls,
        player=player,
        timeline=timeline,
        collapse=collapse,
        port=port,
    )
    workers = EngineStart(link, engine_pid, player, controls.sigterm).wait()
    player.play(timeline.closing)
    server = ApiServer(
        script,
        arguments,
        serving_speed=controls.serving_speed,
        player=player,
        link=link,
        engine_pid=engine_pid,
        workers=workers,
    )
    asyncio.run(server.run(port))


def _refuse_arguments(script: StartScript, pace: Pace, error: str) -> NoReturn:
    player = _api_player(script, ServeArguments(), pace)
    pace.wait_until(script.steps[0].after_s)
    print_usage(player, error)
    sys.exit(2)


def _api_player(script: StartScript, arguments: ServeArguments, pace: Pace) -> Player:
    return Player(
        Wording(script.version()),
        pace,
        spoken_values(script, arguments, pace.speed),
        {"api": [api_server()], "engine": [], "worker": []},
        pace.wait_until,
    )


def _open(
    player: Player, timeline: Timeline, arguments: ServeArguments, collapse: Collapse | None
) -> socket.socket:
    """Play all that comes before the engine, bind the port on the way, and return its socket."""
    early = None if collapse is None or collapse.in_engine else collapse
    cues = timeline.opening if early is None else before(timeline.opening, early.label, early.share)
    unbound = before(cues, "Resolved architecture", 0)
    player.play(unbound[:1])
    signal.signal(signal.SIGTERM, lambda *_: _interrupted(player))
    player.play(unbound[1:])
    if early is not None:
        player.wait_until(timeline.opening[0].at_s)
        player.play(cues[len(unbound) :])
        _fail(player, early)
    try:
        port = _bind(arguments)
    except OSError as error:
        _fail(player, Collapse(Frame.TRACEBACK, "", f"OSError: {error}"))
    player.play(cues[len(unbound) :])
    return port


def _fail(player: Player, collapse: Collapse) -> NoReturn:
    if collapse.frame is Frame.SILENT_END:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
    collapse_api(collapse, player)
    sys.exit(2 if collapse.frame is Frame.USAGE else 1)


def _interrupted(player: Player) -> NoReturn:
    """End as Python does on KeyboardInterrupt: by SIGINT, which a shell shows as 130."""
    collapse_api(Collapse(Frame.TRACEBACK, "", "KeyboardInterrupt: terminated"), player)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
    sys.exit(130)


def _bind(arguments: ServeArguments) -> socket.socket:
    """Bind the port without listening, so that nothing answers before the server is ready."""
    port = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    port.bind((arguments.host or "127.0.0.1", arguments.port))
    return port


def _launch_engine(
    script: StartScript,
    arguments: ServeArguments,
    controls: Controls,
    *,
    player: Player,
    timeline: Timeline,
    collapse: Collapse | None,
    port: socket.socket,
) -> tuple[socket.socket, int]:
    ours, theirs = socket.socketpair()
    ranks = arguments.tensor_parallel_size or script.tensor_parallel_size
    engine = Engine(
        script=script,
        cues=timeline.engine,
        values=player.values,
        api=player.speakers["api"][0],
        pace=player.pace,
        board=GpuBoard(controls.gpu_file, script.device, max(script.device.count, ranks)),
        link=Link(theirs),
        ranks=ranks,
        memory_utilization=arguments.gpu_memory_utilization or script.gpu_memory_utilization,
        collapse=collapse,
        download=controls.download,
    )

    def child() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        ours.close()
        port.close()
        engine.run()

    pid = fork(child)
    theirs.close()
    return ours, pid


if __name__ == "__main__":
    main()
