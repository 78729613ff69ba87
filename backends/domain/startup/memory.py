"""What vLLM's lines say of memory, folded: every rank's parts, and the largest of each."""

from collections.abc import Callable
from dataclasses import replace

from backends.domain.facts import KvCacheSized, MemoryReported
from backends.domain.start import RankMemory, StartMemory


def with_part(ranks: tuple[RankMemory, ...], fact: MemoryReported) -> tuple[RankMemory, ...]:
    """Return the ranks with one more part; a report without rank is that of rank 0."""
    place = fact.rank or 0
    by_rank = {entry.rank: entry for entry in ranks}
    entry = by_rank.get(place, RankMemory(place))
    match fact.part:
        case "weights":
            entry = replace(entry, weights_gib=fact.gib)
        case "kv_cache":
            entry = replace(entry, kv_cache_gib=fact.gib)
        case "cuda_graphs":
            entry = replace(entry, cuda_graphs_gib=fact.gib)
        case "activation_peak":
            entry = replace(entry, activation_peak_gib=fact.gib)
    by_rank[place] = entry
    return tuple(by_rank[key] for key in sorted(by_rank))


def smaller(known: KvCacheSized | None, fact: KvCacheSized) -> KvCacheSized:
    """Return the smaller KV cache: ranks may print their own, the engine uses the smallest."""
    if known is None or fact.tokens < known.tokens:
        return fact
    same = fact.tokens == known.tokens and known.max_concurrency is None
    return fact if same else known


def start_memory(ranks: tuple[RankMemory, ...], kv_cache: KvCacheSized | None) -> StartMemory:
    """Return the largest figure of each part over all ranks, with the ranks' own."""

    def largest(part: Callable[[RankMemory], float | None]) -> float | None:
        return max((gib for gib in map(part, ranks) if gib is not None), default=None)

    return StartMemory(
        weights_gib=largest(lambda rank: rank.weights_gib),
        kv_cache_gib=largest(lambda rank: rank.kv_cache_gib),
        kv_cache_tokens=kv_cache.tokens if kv_cache else None,
        max_concurrency=kv_cache.max_concurrency if kv_cache else None,
        cuda_graphs_gib=largest(lambda rank: rank.cuda_graphs_gib),
        activation_peak_gib=largest(lambda rank: rank.activation_peak_gib),
        ranks=ranks,
    )


def memory_words(memory: StartMemory) -> str:
    """Return the parts that are known, in GiB and tokens, as one line; empty where none is."""
    parts = [
        f"{words} {value:.2f} GiB"
        for words, value in (
            ("weights", memory.weights_gib),
            ("KV cache", memory.kv_cache_gib),
            ("CUDA graphs", memory.cuda_graphs_gib),
            ("activation peak", memory.activation_peak_gib),
        )
        if value is not None
    ]
    if memory.kv_cache_tokens is not None:
        parts.append(f"{memory.kv_cache_tokens:,} tokens of KV cache")
    if memory.max_concurrency is not None:
        parts.append(f"{memory.max_concurrency:.2f}x maximum concurrency")
    return ", ".join(parts)
