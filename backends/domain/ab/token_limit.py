"""That a request asks for more tokens than its endpoint takes, and how many it takes."""

import re

_EXCEEDED = re.compile(
    r"context.?(?:length|window|size|limit)|too (?:long|large|many)|exceed|longer than|at most"
    r"|must be (?:<|(?:less|lower|smaller) than)|maximum (?:allowed|context|model|sequence|value)"
    r"|limit (?:was |is |has been )?reached|(?:\d|tokens?) >=? ?\d",
    re.IGNORECASE,
)
_OF_TOKENS = re.compile(r"token|context|prompt|input|sequence|message|too long", re.IGNORECASE)
_LIMIT = (
    r"(?:context|model|sequence|input|prompt) (?:length|window|size)|limit|at most|must be <=?"
    r"|(?:less|lower|smaller) than(?: or equal to)?|longer than"
    r"|maximum (?:number of )?(?:\w+ )?tokens?"
)
_NUMBERS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?:\d|tokens?) >=? ?(\d[\d,]*)",
        rf"(?:{_LIMIT})(?: allowed)?[^\d.;]{{0,20}}?(\d[\d,]*)",
        r"(\d[\d,]*) (?:tokens? )?(?:maximum )?context",
    )
)
"""Of the sentences of OpenAI, vLLM, Anthropic, Bedrock, Gemini, Groq, Mistral, Fireworks,
llama.cpp and Hugging Face's servers, as their users report them."""

MOST_DIGITS = 9


def asks_too_many(said: str) -> bool:
    """Return whether an error says that prompt and reply are longer than the endpoint takes."""
    return bool(_EXCEEDED.search(said) and _OF_TOKENS.search(said))


def most_tokens(said: str) -> int | None:
    """Return the limit in tokens that such an error names, None where it names none."""
    found = next((match for number in _NUMBERS if (match := number.search(said))), None)
    digits = found[1].replace(",", "") if found else ""
    return int(digits) if digits and len(digits) <= MOST_DIGITS else None
