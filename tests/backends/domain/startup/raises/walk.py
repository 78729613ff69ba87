"""Every `raise` with a message and every logged error that a start of vLLM can reach.

Run as ``python -m tests.backends.domain.startup.raises.walk PATH_OF_VLLM_PACKAGE [--json]``; the
package is parsed, never imported, so that any version's folder can be read. What a start reaches
is told by the folder and by the function's name: what only a request, a benchmark, a second
program or an end reaches is left out. A model's `forward` stays, since profiling runs it.
"""

import ast
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

_LEFT_OUT = (
    "assets",
    "benchmarks",
    "collect_env.py",
    "distributed/elastic_ep",
    "distributed/weight_transfer",
    "entrypoints/cli/benchmark",
    "entrypoints/cli/collect_env.py",
    "entrypoints/cli/download_kernels.py",
    "entrypoints/cli/openai.py",
    "entrypoints/cli/run_batch.py",
    "entrypoints/cli/snapshot.py",
    "entrypoints/launchers/run_batch.py",
    "entrypoints/launchers/render",
    "examples",
    "logprobs.py",
    "multimodal/audio.py",
    "multimodal/hasher.py",
    "multimodal/image.py",
    "multimodal/inputs.py",
    "multimodal/media",
    "multimodal/parse.py",
    "multimodal/video.py",
    "multimodal/video_decoders",
    "outputs.py",
    "pooling_params.py",
    "profiler",
    "sampling_params.py",
    "sequence.py",
    "snapshot",
    "tests",
    "third_party/pynvml.py",
    "tools",
    "v1/engine/detokenizer.py",
    "v1/engine/logprobs.py",
    "v1/engine/parallel_sampling.py",
    "v1/kv_offload/tiering/p2p/session",
    "v1/outputs.py",
    "v1/pool",
    "v1/request.py",
    "v1/structured_output",
)
_ENTRYPOINTS = re.compile(
    r"entrypoints/(?:cli/|launchers/|llm\.py|grpc_server\.py|mcp/tool_server\.py"
    r"|openai/(?:api_server|cli_args)\.py|openai/models/|(?:\w+/)+factories\.py"
    r"|\w*utils\.py|common/)"
)
"""What of the entry points runs before the first request."""
_BUILT_AT_THE_START = re.compile(
    r"(?:parser|reasoning|renderers|tool_parsers|tokenizers|multimodal/(?!registry|processing)"
    r"|v1/core/sched|v1/metrics|v1/sample|v1/watermarking|v1/engine/(?:async_llm|llm_engine"
    r"|input_processor|output_processor)|kernels|ir)(?:/|\.py)"
)
"""Folders that serve requests; only the making of their objects belongs to a start."""
_MAKING = re.compile(
    r"__init__|__post_init__|__new__|from_\w+|_*(?:load|make|build|create|register|import|resolve"
    r"|setup|cached)_\w+|\w*(?:chat_template|response_template|tokenizer|_parser)\w*"
)
_OF_REQUESTS = re.compile(
    r"__del__|_*(?:shutdown|close|destroy|cleanup|teardown|stop|abort|pause|resume|sleep|wake_up"
    r"|suspend|profile_start|start_profile|stop_profile)\w*"
    r"|_*(?:add|process|preprocess|validate|abort|parse|handle|finish|build)_(?:\w+_)?requests?"
    r"(?:_\w+)?|schedule|generate|encode|chat|beam_search|score|classify|embed|reward|step"
    r"|_?parse_and_validate_\w+|process_one|post_?process\w*|publish|\w*unregister\w*|cache_blocks"
    r"|__delitem__|__setitem__|\w*elastic_ep\w*|step_\w+|\w*sampling_params|validate_num_items"
    r"|preprocess_\w+|_?read_blocks|_tail_\w+|execute_model|sample_tokens|update_from_output|get_output\w*|take_\w+|reload_weights"
    r"|update_weights\w*|save_\w+|send_\w+|recv_\w+|receive_\w+|extract_\w+|detokenize\w*"
    r"|remove_lora|pin_lora|scale_\w+|reinitialize_\w+|reset_\w+|transfer_\w+|fault_\w+"
)
_NO_FAILURE = re.compile(r"HTTPException|KeyboardInterrupt|Stop\w*Iteration|\w*Warning|[a-z_]\w*")
"""What is raised for a client, for the flow of control or through a function."""
_LEVELS = {"error", "exception", "critical", "fatal"}
_LOGGERS = {"logger", "_logger", "log", "logging"}


@dataclass(frozen=True, slots=True)
class Raised:
    """One place of vLLM's source that ends or may end a start with a message."""

    file: str
    """From the package on, such as ``vllm/config/model.py``."""
    line: int
    function: str
    """The qualified name, such as ``ModelConfig.__post_init__``."""
    within: str | None
    """The innermost class around it."""
    exception: str
    """The class raised, or ``logger.error`` and its like."""
    message: str
    """The template: what is filled in stands as its expression between braces."""


def raises(package: Path) -> Iterator[Raised]:
    """Yield what a start can reach, in the order of the files' names and of their lines."""
    for path in sorted(package.rglob("*.py")):
        inside = path.relative_to(package).as_posix()
        if inside.startswith(_LEFT_OUT) or "/tests/" in inside:
            continue
        if inside.startswith("entrypoints/") and not _ENTRYPOINTS.match(inside):
            continue
        visitor = _Visitor(inside)
        visitor.visit(ast.parse(path.read_bytes()))
        yield from sorted(visitor.found, key=lambda each: each.line)


class _Visitor(ast.NodeVisitor):
    def __init__(self, inside: str) -> None:
        self.found: list[Raised] = []
        self._inside = inside
        self._around: list[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef] = []
        self._texts: list[dict[str, str]] = [{}]

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._enter(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if self._reached(node.name):
            self._enter(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        if self._reached(node.name):
            self._enter(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        text = template(node.value, self._texts[-1])
        for target in node.targets:
            if isinstance(target, ast.Name) and text:
                self._texts[-1][target.id] = text
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        known = self._texts[-1]
        text = template(node.value, known)
        if isinstance(node.target, ast.Name) and text and node.target.id in known:
            known[node.target.id] += text
        self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        if isinstance(node.exc, ast.Call):
            words = [*node.exc.args, *(each.value for each in node.exc.keywords)]
            message = next((text for each in words if (text := self._text(each))), None)
            exception = ast.unparse(node.exc.func).rpartition(".")[2]
            if not _NO_FAILURE.fullmatch(exception):
                self._add(node, exception, message)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func
        if (
            isinstance(called, ast.Attribute)
            and called.attr in _LEVELS
            and isinstance(called.value, ast.Name)
            and called.value.id in _LOGGERS
        ):
            message = self._text(node.args[0]) if node.args else None
            self._add(node, f"logger.{called.attr}", message)
        self.generic_visit(node)

    def _enter(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._around.append(node)
        self._texts.append(dict(self._texts[-1]))
        self.generic_visit(node)
        self._texts.pop()
        self._around.pop()

    def _reached(self, name: str) -> bool:
        if any(isinstance(each, ast.FunctionDef) for each in self._around):
            return True
        if _OF_REQUESTS.fullmatch(name):
            return False
        return not _BUILT_AT_THE_START.match(self._inside) or bool(_MAKING.fullmatch(name))

    def _text(self, node: ast.expr) -> str | None:
        return template(node, self._texts[-1])

    def _add(self, node: ast.Raise | ast.Call, exception: str, message: str | None) -> None:
        if not message:
            return
        classes = [each.name for each in self._around if isinstance(each, ast.ClassDef)]
        self.found.append(
            Raised(
                file=f"vllm/{self._inside}",
                line=node.lineno,
                function=".".join(each.name for each in self._around) or "<module>",
                within=classes[-1] if classes else None,
                exception=exception,
                message=" ".join(message.split()),
            )
        )


def template(node: ast.expr, known: dict[str, str]) -> str | None:
    """Return the text that an expression makes, its values as braces, or None for no text.

    `known` holds the texts of the names assigned so far in the same function.
    """
    found: str | None = None
    match node:
        case ast.Constant(value=str(text)):
            found = text
        case ast.JoinedStr(values=parts):
            found = "".join(
                str(part.value) if isinstance(part, ast.Constant) else _braced(part)
                for part in parts
            )
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            first, second = template(left, known), template(right, known)
            if first is not None or second is not None:
                found = (first or _braced(left)) + (second or _braced(right))
        case ast.BinOp(left=left, op=ast.Mod()):
            found = template(left, known)
        case ast.Call(func=ast.Attribute(value=text_of, attr="format" | "strip" | "join")):
            found = template(text_of, known)
        case ast.Name(id=name):
            found = known.get(name)
        case _:
            pass
    return found


def _braced(node: ast.expr) -> str:
    value = node.value if isinstance(node, ast.FormattedValue) else node
    return "{" + ast.unparse(value) + "}"


def main() -> None:
    """Print what a package raises, a line or a JSON object each, then how many by exception."""
    package = Path(sys.argv[1])
    found = list(raises(package))
    if "--json" in sys.argv[2:]:
        print(json.dumps([asdict(each) for each in found], indent=1))
        return
    for each in found:
        print(f"{each.file}:{each.line} {each.function}: {each.exception}: {each.message}")
    counted = Counter(
        "logged" if each.exception.startswith("logger.") else "raised" for each in found
    )
    print(", ".join(f"{count} {how}" for how, count in counted.items()), file=sys.stderr)


if __name__ == "__main__":
    main()
