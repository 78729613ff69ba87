"""The configuration for verbs that must work without one: to see a server and to stop it."""

from backends.settings.config import Settings
from backends.settings.faults import ConfigError
from backends.settings.read import read_settings
from console.cli.output import say


def settings_without_faults() -> Settings:
    """Return the configuration, or an empty one, and a word of it, where it cannot be used."""
    try:
        return read_settings()
    except ConfigError as error:
        say(f"note: going on without the configuration: {error}")
        return Settings()
