"""A study as one HTML page that needs nothing else: style, pictures and samples are in it."""

from collections.abc import Iterable
from html import escape

from backends.domain.reports import svg
from backends.domain.study.markdown import check_line, marks
from backends.domain.study.sections import pictures, sections
from backends.domain.study.shape import Section, Table
from backends.domain.study.study import Study
from backends.domain.visible import bounded

DATA_ID = "inferctl-study"
DARK = {
    "#ffffff": "none",
    "#1f2328": "#e6edf3",
    "#59636e": "#9da7b3",
    "#d1d9e0": "#3d444d",
    "#2563eb": "#6ea8fe",
    "#c2410c": "#ff9e64",
    "#15803d": "#57c785",
    "#7c3aed": "#b79cff",
    "#0e7490": "#4cc9e0",
    "#be185d": "#ff79b0",
    "#a16207": "#e3b341",
    "#b91c1c": "#ff7b72",
}
"""What each colour of a picture becomes on a dark ground; a picture's own ground goes."""

STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --muted: #59636e; --rule: #d1d9e0;
  --ground: #ffffff; --mark: #9a3412; --soft: #f6f8fa; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.2rem; max-width: 62rem; color: var(--ink);
  background: var(--ground); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0.5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 0.4rem; border-bottom: 1px solid var(--rule); }
p, li { overflow-wrap: anywhere; }
ul { padding-left: 1.2rem; margin: 0.5rem 0; }
.mark { color: var(--mark); font-weight: 600; }
.about { color: var(--muted); }
.wide { overflow-x: auto; margin: 0.8rem 0; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.7rem 0.3rem 0;
  border-bottom: 1px solid var(--rule); min-width: 4.5rem; }
th { color: var(--muted); font-weight: 600; }
td { overflow-wrap: break-word; max-width: 26rem; }
svg { display: block; max-width: 100%; height: auto; }
.full, .narrow { margin: 0.8rem 0; }
.narrow { display: none; }
@media screen and (max-width: 40rem) { .full { display: none; } .narrow { display: block; }
  .narrow svg { width: 100%; } }
.first { background: var(--soft); padding: 0.6rem 1rem; border-radius: 6px; }
.first h2 { margin-top: 0.2rem; border: 0; }
"""
PRINT = """
@media print { body { max-width: none; padding: 0; font-size: 10.5pt; }
  section { break-inside: auto; } h2 { break-after: avoid; } tr, svg { break-inside: avoid; }
  .wide { overflow: visible; } svg { min-width: 0; } table { font-size: 8.5pt; } }
"""


def study_page(study: Study, data: str) -> str:
    """Return the page; text of others is no markup in it, and nothing is fetched by it.

    Args:
        study: what is shown.
        data: its document as JSON, which the page carries.
    """
    drawn, narrow = pictures(study), pictures(study, svg.NARROW)
    parts = [
        _section(section, (drawn, narrow), first=not at)
        for at, section in enumerate(sections(study))
    ]
    title = _text(study.title)
    shown_marks = "\n".join(f'<p class="mark">{_text(mark)}</p>' for mark in marks(study))
    samples = data.replace("<", "\\u003c")
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>{STYLE}@media (prefers-color-scheme: dark) {{ @media screen {{{_dark()}}} }}{PRINT}</style>
</head>
<body>
<h1>{title}</h1>
{shown_marks}
{"".join(parts)}
<p class="about">{_text(check_line(study))} The page carries all samples.</p>
<script type="application/json" id="{DATA_ID}">{samples}</script>
</body>
</html>
"""


def _dark() -> str:
    rules = [
        (
            "\n:root { --ink: #e6edf3; --muted: #9da7b3; --rule: #3d444d; --ground: #0d1117;"
            " --mark: #ffb38a; --soft: #161b22; }"
        )
    ]
    for light, dark in DARK.items():
        rules.append(f'svg [fill="{light}"] {{ fill: {dark}; }}')
        rules.append(f'svg [stroke="{light}"] {{ stroke: {dark}; }}')
    return "\n".join(rules)


def _section(
    section: Section, layouts: tuple[dict[str, str], dict[str, str]], *, first: bool
) -> str:
    lines = "".join(f"<li>{_text(line)}</li>\n" for line in section.lines)
    listed = f"<ul>\n{lines}</ul>\n" if lines else ""
    picture = ""
    if section.picture is not None:
        wide, narrow = (svg.labelled(each[section.picture], section.title) for each in layouts)
        picture = f'<div class="full">\n{wide}</div>\n<div class="narrow">\n{narrow}</div>\n'
    tables = "".join(map(_table, section.tables))
    kind = ' class="first"' if first else ""
    return (
        f"<section{kind}>\n<h2>{_text(section.title)}</h2>\n{listed}{picture}{tables}</section>\n"
    )


def _table(table: Table) -> str:
    head = f"<thead><tr>{_cells('th', table.head)}</tr></thead>"
    rows = "".join(f"<tr>{_cells('td', row)}</tr>\n" for row in table.rows)
    return f'<div class="wide"><table>{head}<tbody>\n{rows}</tbody></table></div>\n'


def _cells(tag: str, cells: Iterable[str]) -> str:
    return "".join(f"<{tag}>{_text(cell)}</{tag}>" for cell in cells)


def _text(words: str) -> str:
    return escape(bounded(words, 2000))
