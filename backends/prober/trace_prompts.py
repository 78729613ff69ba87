"""Prompts of a wanted length in tokens, of which some begin alike."""

import random
from collections.abc import Iterable

from backends.domain.traffic.arrivals import Part

_COMMONEST = (
    "the of and to in is that it was for on are as with his they at be this from have or by one "
    "had not but what all were when we there can an your which their said if do will each about "
    "how up out them then she many some so these would other into has more her two like him see "
    "time could no make than first been its who now people my made over did down only way find "
    "use may water long little very after words called just where most know get through back much "
    "before go good new write our used me man too any day same right look think also around "
    "another came come work three word must because does part even place well such here take why "
    "things help put years different away again off went old number great tell men say small "
    "every found still between name should home big give air line set own under read last never "
    "us left end along while might next sound below saw something thought both few those always "
    "looked show large often together asked house world going want school important until form "
    "food keep children feet land side without boy once animals life enough took sometimes four "
    "head above kind began almost live page got earth need far hand high year mother light parts "
    "country father let night following picture being study second eyes soon times story boys "
    "since white days ever paper hard near sentence better best across during "
)
WORDS = tuple(_COMMONEST.split())
"""The commonest words of English: tokenizers keep each as one token with the space before it."""

CODED = 6
"""So many words name one of 2**48 texts."""

KEY_BITS = 40
"""What files of traffic number texts by; the bits above them tell rounds apart."""

LONGEST = 1 << 16
"""Of the text that all prompts are cut from; longer ones go round."""

_LAST = "Now write a long story of all of this and do not come to an end."
ENDING = _LAST.split()
"""Without a wish at its end a model answers in a line, and the reply is not as long as it was."""


class TracePrompts:
    """Writes the prompts of one seed; those of another share nothing with them."""

    def __init__(self, seed: int) -> None:
        source = random.Random(seed)
        self._salt = source.getrandbits(8 * CODED)
        self._text = source.choices(WORDS, k=LONGEST)

    def text(self, parts: Iterable[Part], again: int) -> str:
        """Return a prompt of about as many tokens as its parts; each round shares nothing."""
        words: list[str] = []
        for key, tokens in parts:
            words += self._stretch(key, again, tokens)
        if len(words) > 2 * len(ENDING):
            words[-len(ENDING) :] = ENDING
        return " ".join(words)

    def _stretch(self, key: int, again: int, tokens: int) -> list[str]:
        """Return so many words; a longer stretch of one key begins with a shorter one."""
        # Fibonacci hashing (Knuth, The Art of Computer Programming 3, 6.4): numbers that are near
        # each other begin with different words.
        mixed = (key ^ self._salt ^ again << KEY_BITS) * 0x9E3779B97F4B & (1 << 8 * CODED) - 1
        coded = [WORDS[byte] for byte in mixed.to_bytes(CODED)]
        begin = mixed % LONGEST
        found = (coded + self._text[begin : begin + tokens])[:tokens]
        while len(found) < tokens:
            found += self._text[: tokens - len(found)]
        return found
