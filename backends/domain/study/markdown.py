"""A study as Markdown."""

from backends.domain.reports.table import markdown_table
from backends.domain.study.sections import sections
from backends.domain.study.study import Study
from backends.domain.visible import markdown

QUICK = "QUICK: fewer runs than a whole study has, so that intervals are wider."
SIMULATED = "SIMULATED: server, endpoint and GPU are made up."


def study_markdown(study: Study) -> str:
    """Return the whole study as Markdown; text of others is no markup in it."""
    lines = [f"# {markdown(study.title)}", ""]
    lines += [f"**{mark}**\n" for mark in marks(study)]
    for section in sections(study):
        lines += [f"## {markdown(section.title)}", ""]
        lines += [f"- {markdown(line)}" for line in section.lines]
        lines += [""] if section.lines else []
        for table in section.tables:
            lines += [*markdown_table(table.head, table.rows), ""]
    lines.append(f"{markdown(check_line(study))}")
    return "\n".join(lines) + "\n"


def marks(study: Study) -> list[str]:
    """Return what a reader must know before any figure."""
    return [SIMULATED] * study.simulated + [QUICK] * study.quick


def check_line(study: Study) -> str:
    """Return how anybody checks it."""
    return (
        f"Study {study.study_id}, form {study.schema}. Every figure and picture is recomputed from"
        " the samples by: inferctl study verify FILE"
    )
