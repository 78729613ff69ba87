"""Which share of the domain's branches its own tests go through, a package a line.

Reads what ``coverage json`` wrote; the exit status is 1 where a package has less than it must.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

LEAST_PERCENT = 95.0


def shares(report: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Return how many branches of each package were gone through, and how many there are."""
    covered: Counter[str] = Counter()
    known: Counter[str] = Counter()
    for path, file in report["files"].items():
        package = str(Path(path).parent)
        covered[package] += file["summary"]["covered_branches"]
        known[package] += file["summary"]["num_branches"]
    return {package: (covered[package], known[package]) for package in sorted(known)}


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path)
    too_few = False
    for package, (covered, known) in shares(
        json.loads(parser.parse_args().report.read_text())
    ).items():
        percent = 100 * covered / known if known else 100.0
        too_few = too_few or percent < LEAST_PERCENT
        print(f"{package:28}{covered:5} of {known:5} branches  {percent:5.1f} %")
    if too_few:
        print(f"every package must have {LEAST_PERCENT:g} %")
    return 1 if too_few else 0


if __name__ == "__main__":
    sys.exit(main())
