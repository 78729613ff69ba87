"""A small library of prompts: short, middle and long replies."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prompt:
    """A text to send, and the length of reply it is made for."""

    name: str
    title: str
    text: str
    max_tokens: int


CLASSIFY = Prompt(
    name="short",
    title="Classify one support message (short reply)",
    text=(
        "You sort messages that reach the support desk of a web shop. The categories are: order"
        " status, return, payment, product question, complaint, other. Reply with one line of"
        " JSON that has the keys category, urgent (true or false) and language (ISO 639-1), and"
        " nothing else.\n\n"
        "Message: Good morning, I was charged twice for order 20817 and my card is now over its"
        " limit. The second payment is marked as pending since Tuesday. Could somebody look into"
        " this today, please?"
    ),
    max_tokens=30,
)
PARAGRAPH = Prompt(
    name="paragraph",
    title="Explain a topic in one paragraph (medium reply)",
    text=(
        "Explain to an engineer who has never operated a language model why the time to the first"
        " token depends on the length of the prompt, while the time between two tokens hardly"
        " does. Mention what is computed in each of the two stages, what is kept in memory between"
        " them, and what happens to both figures when many requests share one GPU. Write one"
        " paragraph of about 150 words, without a list and without a heading."
    ),
    max_tokens=220,
)
LONG = Prompt(
    name="long",
    title="Write a runbook (long reply)",
    text=(
        "Write a runbook for the night shift of a small company that serves a language model on a"
        " rented GPU host. It covers four situations: the service answers slowly, the service"
        " answers with errors, the service does not answer at all, and the host itself cannot be"
        " reached. For each situation give the first three things to look at, how to tell the"
        " likely causes apart, what may be restarted without asking anybody, and when to wake the"
        " engineer on call. Close with a checklist for the handover in the morning. Use headings"
        " and full sentences, about 900 words in all."
    ),
    max_tokens=1200,
)

PROMPTS = (CLASSIFY, PARAGRAPH, LONG)


def sha256_of(prompt: Prompt) -> str:
    """Return what a series records of a prompt, without the nonce of a run."""
    return hashlib.sha256(prompt.text.encode()).hexdigest()


def named_prompt(name: str) -> Prompt | None:
    """Return a prompt of the library, None for any other text."""
    return next((each for each in PROMPTS if each.name == name), None)
