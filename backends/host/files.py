"""Files that only this user may read, replaced in one step."""

import os
import tempfile
from pathlib import Path

PRIVATE_FILE = 0o600


def replace_file(
    path: Path, content: bytes, mode: int = PRIVATE_FILE, *, survives_power_cut: bool = True
) -> None:
    """Replace what `path` holds, so that a reader sees the old or the new, never half of it.

    The new content is on the disk before it has the name, so that a host that loses its power
    keeps one of the two; a file that is written every second can do without. A symbolic link is
    replaced and not followed.

    Raises:
        OSError: the folder takes no file; the old content is untouched.
    """
    descriptor, draft_name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(draft_name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            if survives_power_cut:
                os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
