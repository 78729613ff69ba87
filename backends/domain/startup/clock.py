"""Times of log lines, which carry no year, as seconds that never run backwards."""

_DAYS_BEFORE = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
_DAY_S = 86400.0
_YEAR_S = 365 * _DAY_S


class LogClock:
    """Turns ``MM-DD HH:MM:SS[.fraction]`` into seconds of which only differences mean anything.

    A jump back by more than half a year is a new year; any other jump back, as of a process whose
    line was delayed, counts as no time. The 29th of February counts once it was seen.
    """

    def __init__(self) -> None:
        self._latest_s: float | None = None
        self._shift_s = 0.0
        self._leap_day = False

    def at(self, stamp: str) -> float:
        """Return the seconds of a stamp; those of the latest one where it is no time at all."""
        seconds = self._seconds(stamp)
        if seconds is None:
            return self._latest_s or 0.0
        seconds += self._shift_s
        if self._latest_s is not None and seconds < self._latest_s - _YEAR_S / 2:
            self._shift_s += _YEAR_S
            seconds += _YEAR_S
        self._latest_s = max(seconds, self._latest_s or seconds)
        return self._latest_s

    def between(self, earlier: str, later: str) -> float:
        """Return the seconds from one stamp to another of the same year, 0 if one is no time."""
        begin_s, end_s = self._seconds(earlier), self._seconds(later)
        return 0.0 if begin_s is None or end_s is None else end_s - begin_s

    def _seconds(self, stamp: str) -> float | None:
        try:
            month, day = int(stamp[0:2]), int(stamp[3:5])
            hour, minute, second = int(stamp[6:8]), int(stamp[9:11]), float(stamp[12:])
            days = _DAYS_BEFORE[month - 1] + day - 1
        except (ValueError, IndexError):
            return None
        if (month, day) == (2, 29):
            self._leap_day = True
        elif month > 2 and self._leap_day:
            days += 1
        return days * _DAY_S + hour * 3600 + minute * 60 + second
