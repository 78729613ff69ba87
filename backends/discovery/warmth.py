"""How warm this host is for a start: the compilations and the weights that are there already."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from backends.discovery.models import hub_folder, weight_files
from backends.discovery.surroundings import Surroundings, entries_of, folders_in
from backends.host.page_cache import PageCache, drop_from_page_cache, page_cache


@dataclass(frozen=True, slots=True)
class CompileCache:
    """What torch.compile left of earlier starts, of any model.

    Attributes:
        entries: compilations that are kept, one for each model, version and set of flags.
        newest_wall_s: when the last of them was written, None where there is none.
    """

    folder: Path
    entries: int
    newest_wall_s: float | None


@dataclass(frozen=True, slots=True)
class Warmth:
    """What a start can find instead of making or reading it."""

    compile_cache: CompileCache
    page_cache: PageCache


def warmth(model: str, around: Surroundings) -> Warmth:
    """Return what is on the disk for a model: a name of the Hugging Face hub, or a folder."""
    return Warmth(_compile_cache(around), _pages(model, around, page_cache))


def cool_weights(model: str, around: Surroundings) -> PageCache:
    """Drop a model's weights from memory, and return what of them is still there."""
    return _pages(model, around, drop_from_page_cache)


def _pages(
    model: str, around: Surroundings, look: Callable[[Sequence[Path]], PageCache]
) -> PageCache:
    files = weight_files(model, around)
    if files:
        return look(files)
    where = f"{hub_folder(around)} or under its own name"
    return PageCache(None, None, f"no weights of {model} lie in {where}")


def _compile_cache(around: Surroundings) -> CompileCache:
    """Look where vLLM keeps compilations: ``VLLM_CACHE_ROOT``, else ``~/.cache/vllm``."""
    cache = around.variable_path("XDG_CACHE_HOME") or around.home / ".cache"
    folder = (around.variable_path("VLLM_CACHE_ROOT") or cache / "vllm") / "torch_compile_cache"
    # AOT compilations stand one folder deeper, beside the others.
    kept = [path for path in folders_in(folder) if path.name != "torch_aot_compile"]
    kept += folders_in(folder / "torch_aot_compile")
    written = [path.stat().st_mtime for path in kept if entries_of(path, 1)]
    return CompileCache(folder, len(written), max(written, default=None))
