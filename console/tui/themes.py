"""A theme of inferctl's own beside those of Textual, for poor screens and poor eyes."""

from textual.theme import Theme

HIGH_CONTRAST = Theme(
    name="high-contrast",
    dark=True,
    background="#000000",
    surface="#000000",
    panel="#1c1c1c",
    foreground="#ffffff",
    primary="#4db2ff",
    secondary="#4db2ff",
    accent="#ffd500",
    warning="#ffd500",
    error="#ff7a7a",
    success="#3dfc8f",
    variables={"foreground-muted": "#d0d0d0", "text-muted": "#d0d0d0"},
)
"""Text of at least 7 to 1, and marks of at least 4.5 to 1, against the background."""
