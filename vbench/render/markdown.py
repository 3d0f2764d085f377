"""Comparisons and tails as GitHub-flavored Markdown, for a pull request or a job's summary."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rich.table import Table

from vbench.analysis.comparison import Compared, Comparison
from vbench.analysis.tail import TailReport
from vbench.render.terminal.compare import DETECTABLE, by_pair, cells_of, say_changes, say_pair
from vbench.render.terminal.tail import Heading, Said, parts_of
from vbench.runs.schema import Warn

_SIGNS = {"candidate": "✅ better", "baseline": "❌ worse", None: "≈ not shown"}


_GATES = {0: "✅ **Gate passed**", 1: "❌ **Gate failed**", 3: "⚠️ **Gate undecided**"}
_SIGNS_OF_MARKDOWN = re.compile(r"[\\`*|~]|(?<!\w)_|_(?!\w)|(?<=\])\(")


def markdown_of(comparison: Comparison) -> str:
    """The whole comparison as Markdown."""
    return "\n".join(_lines(comparison))


def _lines(comparison: Comparison) -> Iterator[str]:
    yield f"### vbench compare: {_cell(comparison.dataset.name)}"
    yield ""
    if comparison.changes:
        yield f"{_cell(say_changes(comparison.changes))}."
        yield ""
    if gate := comparison.gate:
        yield f"{_GATES[gate.exit_code]}: {_cell(gate.reason)}."
        yield ""
        for line in (*gate.missing, *gate.failed, *gate.unjudged):
            yield f"- {_cell(line)}"
        if gate.exit_code:
            yield ""
    for floor in comparison.floors:
        sign = "⚠️" if floor.reached is None else "✅" if floor.reached else "❌"
        yield f"- {sign} {_cell(floor.verdict)}"
    if comparison.floors:
        yield ""
    for rows in by_pair(comparison.comparisons):
        yield from _pair(rows)
    within = f" with {_cell(' and '.join(comparison.where))}" if comparison.where else ""
    clustered = f", clustered by {_cell(comparison.cluster)}" if comparison.cluster else ""
    yield (
        f"{comparison.asked}{within}, paired{clustered}; "
        f"{comparison.level:.0%} intervals "
        "over queries and builds; p adjusted by Holm over all comparisons."
    )
    if gate:
        for line in gate.blind:
            yield f"\n⚠️ {_cell(line)}: more builds or queries would see more."
    yield from map(_warning, comparison.warnings)


def _warning(each: Warn) -> str:
    return (
        f"\n⚠️ **{_cell(each.about)}**: {_cell(each.message)}; {_cell(each.why)}. "
        f"Try: {_cell(each.remedy)}."
    )


def markdown_of_tail(report: TailReport) -> str:
    """The tables that a terminal shows of a tail, as Markdown."""
    return "\n".join(_lines_of_tail(report))


def _lines_of_tail(report: TailReport) -> Iterator[str]:
    yield f"### vbench tail: {_cell(report.dataset)}"
    for part in parts_of(report):
        yield ""
        if isinstance(part, Heading):
            yield f"#### {_cell(part.text)}"
        elif isinstance(part, Said):
            yield _cell(str(part.text))
        else:
            yield from _table(part.table)
    yield from map(_warning, report.warnings)


def _table(table: Table) -> Iterator[str]:
    """A table of the terminal; its caption stands below."""
    if table.title:
        yield f"**{_cell(str(table.title))}**"
        yield ""
    yield f"| {' | '.join(_cell(str(column.header)) for column in table.columns)} |"
    yield f"|{'|'.join('---:' if each.justify == 'right' else '---' for each in table.columns)}|"
    for row in zip(*(column.cells for column in table.columns), strict=True):
        yield f"| {' | '.join(_cell(str(cell)) for cell in row)} |"
    if table.caption:
        yield ""
        yield _cell(str(table.caption))


def _pair(rows: Sequence[Compared]) -> Iterator[str]:
    first = rows[0]
    yield (f"**{_cell(first.baseline)}** → **{_cell(first.candidate)}** {_cell(say_pair(first))}")
    yield ""
    heads = ("measure", "baseline", "candidate", "difference", "95 % interval", "p", DETECTABLE)
    yield f"| {' | '.join(heads)} | verdict |"
    yield "|---|---:|---:|---:|:---:|---:|---:|---|"
    for row in rows:
        cells = [*cells_of(row), _judged(row)]
        yield f"| {' | '.join([_code(row.measure), *map(_cell, cells)])} |"
    yield ""
    for verdict in dict.fromkeys(row.verdict for row in rows):
        yield f"- {_cell(verdict)}"
    yield ""
    if any(row.discordant for row in rows):
        yield from _discordant(rows)


def _judged(row: Compared) -> str:
    if row.identical:
        return "identical"
    if row.unjudged is not None:
        return "cannot be judged"
    if row.different and row.claim == "builds differ":
        return "these builds differ"
    return _SIGNS[row.better]


def _discordant(rows: Sequence[Compared]) -> Iterator[str]:
    yield "<details><summary>Discordant queries</summary>"
    yield ""
    yield "| measure | both | neither | baseline only | candidate only |"
    yield "|---|---:|---:|---:|---:|"
    for row in rows:
        if found := row.discordant:
            only = (len(found.only_baseline), len(found.only_candidate))
            counts = (found.both, found.neither, *only)
            yield f"| {_code(row.measure)} | {' | '.join(f'{count:,}' for count in counts)} |"
    yield ""
    yield "</details>"
    yield ""


def _cell(text: str) -> str:
    """Text that keeps to its cell and is text: no bar, no line break, no tag, no emphasis, no link.

    An underscore inside a word is none.
    """
    escaped = _SIGNS_OF_MARKDOWN.sub(r"\\\g<0>", text)
    return " ".join(escaped.replace("<", "&lt;").replace(">", "&gt;").split())


def _code(text: str) -> str:
    """A name in the type of code; a bar in it ends no cell, a backtick not the code."""
    if "`" in text:
        return _cell(text)
    return f"`{' '.join(text.replace('|', chr(92) + '|').split())}`"
