"""Small faults of the kinds that people make, found in a syntax tree and cut into its text."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

UNITS = frozenset({60, 100, 1000, 1024, 3600, 86400, 1e6, 1e9, 1e-3, 1e-6, 1e-9})


@dataclass(frozen=True)
class Mutant:
    """One fault: what stands at a place of a file, and what is put there.

    Attributes:
        begin, end: offsets in the file's UTF-8 bytes.
        around: the line that it begins in, without its indentation.
    """

    path: str
    line: int
    operator: str
    begin: int
    end: int
    before: str
    after: str
    around: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.operator}: {self.before} -> {self.after}"

    def applied(self, source: bytes) -> bytes:
        """Return the file with the fault in it."""
        return source[: self.begin] + self.after.encode() + source[self.end :]


def mutants_in(path: str, source: bytes) -> Iterator[Mutant]:
    """Yield every fault that the operators know of for a file."""
    starts, total = [0], 0
    for line in source.splitlines(keepends=True):
        total += len(line)
        starts.append(total)
    tree = ast.parse(source)
    unseen = {id(node) for each in ast.walk(tree) for node in _unseen(each)}
    for node in ast.walk(tree):
        if id(node) in unseen:
            continue
        for operator, change in OPERATORS.items():
            changed = change(node)
            if changed is None or not isinstance(node, ast.expr | ast.stmt):
                continue
            assert node.end_lineno is not None
            assert node.end_col_offset is not None
            begin = starts[node.lineno - 1] + node.col_offset
            end = starts[node.end_lineno - 1] + node.end_col_offset
            before = source[begin:end].decode()
            around = source.splitlines()[node.lineno - 1].decode().strip()
            yield Mutant(path, node.lineno, operator, begin, end, before, changed, around)


def _unseen(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what no run shows: docstrings, and what the type checker or an invariant holds."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        yield node.value
    # frozen, slots, kw_only; strict; how many answers are remembered
    unseen = ("dataclass", "zip", "lru_cache")
    if isinstance(node, ast.Call) and ast.unparse(node.func) in unseen:
        yield from (word.value for word in node.keywords)


def _boundary(node: ast.AST) -> str | None:
    pairs: dict[type, ast.cmpop] = {
        ast.Lt: ast.LtE(),
        ast.LtE: ast.Lt(),
        ast.Gt: ast.GtE(),
        ast.GtE: ast.Gt(),
    }
    if not isinstance(node, ast.Compare) or type(node.ops[0]) not in pairs:
        return None
    ops = [pairs[type(node.ops[0])], *node.ops[1:]]
    return f"({ast.unparse(ast.Compare(node.left, ops, node.comparators))})"


def _sign(node: ast.AST) -> str | None:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        if _is_text(node.left) or _is_text(node.right):
            return None
        other = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        return f"({ast.unparse(ast.BinOp(node.left, other, node.right))})"
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return f"({ast.unparse(node.operand)})"
    return None


def _order(node: ast.AST) -> str | None:
    if isinstance(node, ast.keyword):
        return None
    if isinstance(node, ast.Name) and node.id in ("min", "max"):
        return "max" if node.id == "min" else "min"
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and " DESC" in node.value:
        return repr(node.value.replace(" DESC", " ASC"))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "sorted":
        return f"{ast.unparse(node)}[::-1]"
    return None


def _unit(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float) and node.value in UNITS:
        return repr(node.value * 10)
    return None


def _constant(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        return repr(not node.value)
    if isinstance(node, ast.Constant) and type(node.value) is int and node.value not in UNITS:
        return repr(node.value + 1)
    return None


def _dropped_call(node: ast.AST) -> str | None:
    is_call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    return "pass" if is_call else None


def _dropped_await(node: ast.AST) -> str | None:
    is_await = isinstance(node, ast.Expr) and isinstance(node.value, ast.Await)
    return "pass" if is_await else None


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr | ast.List | ast.Tuple) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    )


OPERATORS: dict[str, Callable[[ast.AST], str | None]] = {
    "boundary": _boundary,
    "sign": _sign,
    "order": _order,
    "unit": _unit,
    "dropped call": _dropped_call,
    "dropped await": _dropped_await,
    "constant": _constant,
}
