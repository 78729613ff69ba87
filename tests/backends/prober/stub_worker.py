"""Stands in for a probe's process that never begins: ``-m tests.backends.prober.stub_worker``."""

import os
import sys
import time
from pathlib import Path

Path(sys.argv[1], "pid").write_text(str(os.getpid()))
if Path(sys.argv[1]).name == "closed":
    os.close(1)
time.sleep(600)
