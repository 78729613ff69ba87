"""What the simulated models say: plain sentences, always the same for the same prompt."""

from collections.abc import Iterator
from itertools import count, islice
from zlib import crc32

_SENTENCES = (
    "A server that is rented by the hour costs the same whether it answers one request or many.",
    "Its price for each answer therefore falls as traffic rises, until the device is full.",
    "An endpoint that charges for tokens is the opposite: it costs nothing while nobody asks.",
    "Somewhere between the two is a rate of requests at which both cost the same.",
    "Long answers move that point down, because tokens that are written cost more than those read.",
    "Before the first answer, weights travel from the disk into the memory of the device.",
    "Then kernels are compiled, graphs are captured, and what is left becomes the cache.",
    "The time to the first token shows how long the prompt waited and how long it took to read.",
    "The time between tokens shows how fast the model writes once it has begun.",
    "Both grow when many requests share the device, and the median hides the worst of it.",
    "So measure on the machine itself, with the prompts that you really send.",
    "Repeat the measurement, look at the spread, and only then compare.",
)
_SHORTEST, _LONGEST = 180, 260


def words_of(prompt: str) -> Iterator[str]:
    """Yield the tokens of an endless answer, one word each, beginning at a place of its own."""
    begin = crc32(prompt.encode()) % len(_SENTENCES)
    for number in count():
        sentence = _SENTENCES[(begin + number) % len(_SENTENCES)]
        for place, word in enumerate(sentence.split(" ")):
            yield word if number == place == 0 else f" {word}"


def natural_length(prompt: str) -> int:
    """Return after how many tokens the model ends its answer by itself."""
    return _SHORTEST + crc32(prompt.encode()[::-1]) % (_LONGEST - _SHORTEST)


def prompt_tokens(prompt: str) -> int:
    """Return the length of a prompt in tokens: about four characters each, and the template."""
    return len(prompt) // 4 + 8


def answer(prompt: str, tokens: int) -> list[str]:
    """Return the first tokens of the answer to a prompt."""
    return list(islice(words_of(prompt), tokens))
