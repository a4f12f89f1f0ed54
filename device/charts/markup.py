"""A page of HTML and the pieces it is made of.

Everything that comes from a manifest or a file goes through :func:`escape`; nothing on the page
is fetched from anywhere.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from pathlib import Path

STYLE = Path(__file__).with_name("page.css")

# Those of the live page, 50 kB: a page that is opened from a disk has no server to fetch them from.
FONTS = Path(__file__).parents[1] / "web" / "static" / "fonts"
TYPEFACES = {
    "Instrument Sans": "instrument-sans.woff2",
    "Instrument Serif": "instrument-serif.woff2",
}

# The page may show its own pictures, typefaces and styles, and load or run nothing.
POLICY = (
    "default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'; base-uri 'none'"
)


def document(title: str, header: str, main: str, footer: str, *, folds: bool = False) -> str:
    """The whole page; ``title`` and ``footer`` are text, the others HTML already.

    Where it ``folds``, a phone shows the first section and of the others their headings, until
    they are tapped or followed to.
    """
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>
{_typefaces()}
{STYLE.read_text("utf-8")}</style>
</head>
<body{' class="folds"' if folds else ""}>
<header>
{header}
</header>
<main>
{main}
</main>
<footer><p class="soft">{escape(footer)}</p></footer>
</body>
</html>
"""


def _typefaces() -> str:
    rules = []
    for family, name in TYPEFACES.items():
        data = base64.b64encode((FONTS / name).read_bytes()).decode()
        rules.append(
            f'@font-face {{ font-family: "{family}"; font-weight: 400 700; '
            f'src: url(data:font/woff2;base64,{data}) format("woff2"); }}'
        )
    return "\n".join(rules)


def escape(value: object) -> str:
    """``value`` as text that HTML shows as it is, in an element or an attribute."""
    return html.escape(str(value), quote=True)


def table(
    name: str, caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], pick: str = ""
) -> str:
    """A table whose cells are HTML already; the first of a row is its heading.

    Columns whose heading begins with ``#`` hold numbers.
    """
    numeric = [text.startswith("#") for text in head]
    heads = "".join(
        f'<th scope="col"{" class=n" if number else ""}>{text.lstrip("#")}</th>'
        for text, number in zip(head, numeric, strict=True)
    )
    body = []
    for row in rows:
        cells = [
            f"<td{' class=n' if number else ''}>{cell}</td>"
            for cell, number in zip(row[1:], numeric[1:], strict=True)
        ]
        mark = ' class="pick-row"' if pick and row[0] == pick else ""
        body.append(f'<tr{mark}><th scope="row">{row[0]}</th>{"".join(cells)}</tr>')
    return (
        f'<div class="scroll" role="region" aria-labelledby="{name}" tabindex="0"><table>'
        f'<caption id="{name}"><span>{caption}</span></caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def figure(svg: str, caption: str = "", heading: str = "") -> str:
    """A chart, the sentence below it and the heading above it, both HTML already."""
    above = f"<h3>{heading}</h3>" if heading else ""
    below = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f'<figure class="chart">{above}{svg}{below}</figure>'


def picture(data_uri: str, size_wh: tuple[int, int], alt: str) -> str:
    """A picture that the page holds; ``alt`` is text. Its size keeps the texts where they are.

    Not loaded lazily: it is there already, and prints would lack it.
    """
    width, height = size_wh
    return f'<img src="{data_uri}" width="{width}" height="{height}" alt="{escape(alt)}">'


def tiles(shown: Sequence[tuple[str, str, str]]) -> str:
    """Figures to be seen first: a title, the figure and what is said beside it, HTML already."""
    cards = "".join(
        f'<div class="card"><dt>{title}</dt><dd>{value} <small>{beside}</small></dd></div>'
        for title, value, beside in shown
    )
    return f'<dl class="grid tiles">{cards}</dl>'


def section(name: str, title: str, body: str, *, long: bool = False) -> str:
    """A part of the page with its heading; ``long`` ones may be split in print.

    A box to tick unfolds it, where the page folds: it needs no script, which the page may not run.
    """
    kind = ' class="long"' if long else ""
    return (
        f'<section id="{name}" aria-labelledby="{name}-h"{kind}>'
        f'<input type="checkbox" class="fold" id="{name}-fold" aria-label="Show: {title}">'
        f'<h2 id="{name}-h"><label for="{name}-fold">{title}</label></h2>'
        f'<div class="body">{body}</div></section>'
    )
