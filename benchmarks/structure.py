"""The structure of the code in figures: ``python -m benchmarks.structure [FOLDER]``.

Counts files, lines, functions, private helpers that are called once, modules that only one other
imports, and imports inside functions. `benchmarks.verdict_walk` counts what a verdict crosses.
"""

import ast
import sys
from collections import Counter, defaultdict
from pathlib import Path

ROOTS = ("console", "widgets", "backends")


def modules(folder: Path) -> dict[str, Path]:
    """Return every module of the product by its dotted name."""
    found = {}
    for root in ROOTS:
        for path in (folder / root).rglob("*.py"):
            parts = path.relative_to(folder).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(tree: ast.Module, known: dict[str, Path]) -> set[str]:
    """Return the modules of the product that a module imports, at its top or inside functions."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                names.add(full if full in known else node.module)
        elif isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
    return names & set(known)


def deferred_imports(tree: ast.Module) -> int:
    """Return how many imports stand inside functions."""
    return sum(
        isinstance(node, ast.Import | ast.ImportFrom)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in function.body
    )


def measure(folder: Path) -> dict[str, int]:
    """Return the figures of a checkout."""
    known = modules(folder)
    trees = {name: ast.parse(path.read_text()) for name, path in known.items()}
    importers: defaultdict[str, set[str]] = defaultdict(set)
    for name, tree in trees.items():
        for other in imported(tree, known) - {name}:
            importers[other].add(name)
    functions = [
        node
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    once = 0
    for tree in trees.values():
        used = Counter(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
        used.update(node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute))
        private = (node.name for node in functions_of(tree) if is_private(node.name))
        once += sum(used[name] == 1 for name in private)
    lines = [len(path.read_text().splitlines()) for path in known.values()]
    return {
        "files": len(known),
        "lines": sum(lines),
        "longest file": max(lines),
        "functions": len(functions),
        "private helpers called once": once,
        "modules imported by one other": sum(len(by) == 1 for by in importers.values()),
        "imports inside functions": sum(map(deferred_imports, trees.values())),
    }


def functions_of(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return all functions and methods of a module."""
    return [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def is_private(name: str) -> bool:
    """Return whether a function's name says that only its module calls it."""
    return name.startswith("_") and not name.startswith("__")


def main() -> None:
    """Print one line for each figure."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    for name, figure in measure(folder).items():
        print(f"{figure:8}  {name}")


if __name__ == "__main__":
    main()
