"""The findings of an audit of vectors as a table, and what to try."""

from __future__ import annotations

from vbench import numbers
from vbench.analysis.audit import DataAudit
from vbench.render import plain_tables
from vbench.render.plain_tables import PlainTable

HEADS = ("finding", "value", "verdict", "bad from")


def title_of(found: DataAudit) -> str:
    """The vectors that were looked at."""
    return (
        f"{found.dataset}: {found.n:,} base vectors × {found.d}, {found.m:,} queries, "
        f"{found.metric}"
    )


def to_page(found: DataAudit) -> str:
    """The page of an audit as HTML."""
    return plain_tables.to_page(title_of(found), [table_of(found)], notes=notes_of(found))


def table_of(found: DataAudit) -> PlainTable:
    """A row for each finding, the worst first."""
    rows = [
        [
            each.title,
            numbers.write(each.value, each.unit),
            each.verdict,
            numbers.write(each.bad, each.unit),
        ]
        for each in found.findings
    ]
    return PlainTable("Findings", HEADS, rows, ("finding", "verdict"))


def notes_of(found: DataAudit, mark: str = "") -> list[str]:
    """Why it matters, and what to try, of what is not good; `mark` stands before each why."""
    worse = [each for each in found.findings if each.verdict != "good"]
    notes = [f"{mark}{each.title}: {each.why}." for each in worse]
    notes += [f"try: {advice}" for advice in dict.fromkeys(each.advice for each in worse)]
    return notes or ["nothing that is known to make indexes fail"]
