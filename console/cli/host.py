"""``inferctl doctor``: what is wrong with this host, with the remedy."""

import argparse

from console.cli.output import document, show

GLYPHS = {"ok": "✔ ok  ", "warn": "▲ warn", "fail": "✖ fail"}


def run(arguments: argparse.Namespace) -> int:
    """Examine the host; 1 where something would stop a start."""
    from backends.discovery.doctor import examine
    from backends.operations.offer import offer_of_this_host

    findings = examine(offer_of_this_host())
    if arguments.json:
        document({"findings": findings})
    else:
        for finding in findings:
            show(f"{GLYPHS[finding.state]}  {finding.name}: {finding.what}")
            if finding.remedy:
                show(f"          {finding.remedy}")
    return 1 if any(finding.state == "fail" for finding in findings) else 0
