"""A comparison as GitHub-flavoured Markdown, for a pull request or a job's summary."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vbench.numbers import amount
from vbench.render.terminal.compare import by_pair, ends_of, p_value

_SIGNS = {"candidate": "✅ better", "baseline": "❌ worse", None: "≈ not shown"}


_SIGNS_OF_MARKDOWN = re.compile(r"[\\`*|~]|(?<!\w)_|_(?!\w)|(?<=\])\(")


def markdown_of(document: Mapping[str, Any]) -> str:
    """The whole document as Markdown."""
    return "\n".join(_lines(document))


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"### vbench compare: {_cell(document['dataset'])}"
    yield ""
    if gate := document["gate"]:
        state = "❌ **Gate failed**" if gate["failed"] else "✅ **Gate passed**"
        yield (
            f"{state}: surely worse by {gate['limit']:g} or more in {len(gate['failed'])} of "
            f"{len(document['comparisons'])} comparisons."
        )
        yield ""
    for rows in by_pair(document["comparisons"]):
        yield from _pair(rows)
    clustered = f", clustered by {_cell(document['cluster'])}" if document["cluster"] else ""
    yield (
        f"{document['queries']:,} queries, paired{clustered}; {document['level']:.0%} intervals "
        "over queries and builds; p adjusted by Holm over all comparisons."
    )
    if gate:
        for line in gate["blind"]:
            yield f"\n⚠️ {_cell(line)}: more builds or queries would see more."
    for each in document["warnings"]:
        yield (
            f"\n⚠️ **{_cell(each['about'])}**: {_cell(each['message'])}; {_cell(each['why'])}. "
            f"Try: {_cell(each['remedy'])}."
        )


def _pair(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    first = rows[0]
    builds = " and ".join(map(str, first["builds"]))
    yield f"**{_cell(first['baseline'])}** → **{_cell(first['candidate'])}** ({builds} builds)"
    yield ""
    yield "| measure | baseline | candidate | difference | 95 % interval | p | verdict |"
    yield "|---|---:|---:|---:|:---:|---:|---|"
    for row in rows:
        name = row["measure"]
        cells = (
            _code(name),
            amount(name, row["baseline_value"]),
            amount(name, row["candidate_value"]),
            amount(name, row["difference"], signed=True),
            ends_of(row),
            p_value(row["p_holm"]),
            _judged(row),
        )
        yield f"| {' | '.join([cells[0], *map(_cell, cells[1:])])} |"
    yield ""
    for row in rows:
        yield f"- {_cell(row['verdict'])}"
    yield ""
    if any(row["changed_sides"] for row in rows):
        yield from _changed(rows)


def _judged(row: Mapping[str, Any]) -> str:
    if row["different"] and row["claim"] == "builds differ":
        return "these builds differ"
    return _SIGNS[row["better"]]


def _changed(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "<details><summary>Queries that changed sides</summary>"
    yield ""
    yield "| measure | both | neither | baseline only | candidate only |"
    yield "|---|---:|---:|---:|---:|"
    for row in rows:
        if sides := row["changed_sides"]:
            only = (len(sides["only_baseline"]), len(sides["only_candidate"]))
            counts = (sides["both"], sides["neither"], *only)
            yield f"| {_code(row['measure'])} | {' | '.join(f'{count:,}' for count in counts)} |"
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
