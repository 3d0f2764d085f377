"""Small HTML for notebooks: a heading and a table, escaped, without files or styles of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from vbench._plain import plain

MANY = 40
"""Rows that are shown at most; a notebook is no report."""


def html_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], note: str = ""
) -> str:
    """A table, its first rows where there are many; what is None is left empty."""
    every = list(rows)
    head = "".join(f"<th>{_text(each)}</th>" for each in columns)
    body = "".join(
        f"<tr>{''.join(f'<td>{_text(each)}</td>' for each in row)}</tr>" for row in every[:MANY]
    )
    left = len(every) - MANY
    notes = [note] if note else []
    notes += [f"and {left} more rows"] if left > 0 else []
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if columns else ""
    return (
        f"<div><p><b>{_text(title)}</b></p>{table}"
        + "".join(f"<p>{_text(each)}</p>" for each in notes)
        + "</div>"
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    shown = f"{value:.4g}" if isinstance(value, float) else str(value)
    return escape(plain(shown))
