"""The line of the study that runs."""

from backends.domain.study.progress import StudyProgress
from widgets.study_strip import StudyStripView


def study_strip_view(at: StudyProgress | None, now_s: float) -> StudyStripView:
    """Return a study at an instant of the monotonic clock; an empty view without one."""
    if at is None:
        return StudyStripView()
    return StudyStripView(
        server=at.server,
        endpoint=at.endpoint,
        step=at.title,
        number=at.number,
        of=at.of,
        detail=at.detail,
        left_s=at.left_s(now_s),
    )
