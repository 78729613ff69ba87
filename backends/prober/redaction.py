"""Keeps an API key out of whatever a server sends back."""

SHOWN_INSTEAD = "[API key]"


class Redactor:
    """Replaces a secret in a text that comes in pieces, wherever the pieces are cut.

    The end of a piece that may be the beginning of the secret is held back until the next.
    """

    def __init__(self, secret: str | None) -> None:
        self._secret = secret or ""
        self._held = ""

    def feed(self, text: str) -> str:
        """Return what may be shown so far."""
        if not self._secret:
            return text
        text = (self._held + text).replace(self._secret, SHOWN_INSTEAD)
        longest = min(len(text), len(self._secret) - 1)
        for length in range(longest, 0, -1):
            if self._secret.startswith(text[-length:]):
                self._held = text[-length:]
                return text[:-length]
        self._held = ""
        return text

    def close(self) -> str:
        """Return what was held back: it turned out to be no secret."""
        held, self._held = self._held, ""
        return held


def redacted(text: str, secret: str | None) -> str:
    """Return a whole text without the secret."""
    return text.replace(secret, SHOWN_INSTEAD) if secret else text
