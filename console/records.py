"""What the console writes down and looks up: starts, series and the meter, in the history."""

from contextlib import closing

from backends.domain.facts import Fact, RunEnded, SeriesEnded
from backends.domain.session import Session
from backends.domain.start import Outcome, Start
from backends.history.history import open_history
from backends.history.records import SeriesRecord, StartRecord
from backends.settings.config import Profile
from console.machine import Machine
