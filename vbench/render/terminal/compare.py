"""The tables of a comparison, for a person at a terminal."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

from vbench.analysis.verdict import could_be_seen
from vbench.numbers import amount
from vbench.render.terminal.output import console, print_table
from vbench.render.terminal.tables import print_warnings
from vbench.render.terminal.terminal import headed
from vbench.runs.schema import Warn

_NAMED_QUERIES = 5
_STYLES = {"candidate": "green", "baseline": "red"}


def print_comparisons(document: Mapping[str, Any]) -> None:
    """Print each pair with its verdicts, the queries that changed sides, and the gate."""
    out = console()
    clustered = f", clustered by {document['cluster']}" if document["cluster"] else ""
    out.print(
        headed(
            document["dataset"],
            f": {document['queries']:,} queries, "
            f"paired{clustered}; "
            f"{document['level']:.0%} intervals, p adjusted by Holm",
        )
    )
    for rows in by_pair(document["comparisons"]):
        print_table(out, _table(rows))
        _print_changed(out, rows)
        for row in rows:
            style = _STYLES.get(row["better"] or "", "dim")
            out.print(f"• {row['verdict']}", style=style)
        out.print()
    if gate := document["gate"]:
        _print_gate(out, gate)
    print_warnings(out, msgspec.convert(document["warnings"], list[Warn]))


def by_pair(entries: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """The comparisons of one pair of settings together."""
    for _, rows in itertools.groupby(
        entries, key=lambda entry: (entry["baseline"], entry["candidate"], entry["k"])
    ):
        yield list(rows)


def p_value(value: float) -> str:
    """A p, or that it is too small to write."""
    if math.isnan(value):
        return "–"
    return "< 0.0001" if value < 1e-4 else f"{value:.4f}"


def ends_of(row: Mapping[str, Any]) -> str:
    """The interval of the difference."""
    low, high = row["low"], row["high"]
    if not (math.isfinite(low) and math.isfinite(high)):
        return "–"
    return " … ".join(amount(row["measure"], end, signed=True) for end in (low, high))


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    first = rows[0]
    builds = " and ".join(map(str, first["builds"]))
    table = Table(
        title=f"{first['baseline']} → {first['candidate']} ({builds} builds)",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("measure", no_wrap=True)
    for column in ("baseline", "candidate", "difference", "95 % interval", "p", "could see"):
        table.add_column(column, justify="right")
    for row in rows:
        name = row["measure"]
        table.add_row(
            name,
            *(_with_ends(row, side) for side in ("baseline", "candidate")),
            amount(name, row["difference"], signed=True),
            ends_of(row),
            p_value(row["p_holm"]),
            amount(name, row["detectable"]) if could_be_seen(row) else "nothing",
            style=_STYLES.get(row["better"] or "", ""),
        )
    return table


def _with_ends(row: Mapping[str, Any], side: str) -> str:
    low, high = (amount(row["measure"], end) for end in row[f"{side}_interval"])
    ends = "" if row[f"{side}_interval"][0] is None else f" [{low} {high}]"
    return amount(row["measure"], row[f"{side}_value"]) + ends


def _print_changed(out: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    changed = [row for row in rows if row["changed_sides"]]
    if not changed:
        return
    table = Table(
        title="Queries that count with one side only, in most of its builds",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("measure", no_wrap=True)
    for column in ("both", "neither", "baseline only", "candidate only"):
        table.add_column(column, justify="right")
    for column in ("such as (baseline only)", "such as (candidate only)"):
        table.add_column(column)
    for row in changed:
        sides = row["changed_sides"]
        known = sides.get("ids", sides)
        only = [known["only_baseline"], known["only_candidate"]]
        table.add_row(
            row["measure"],
            f"{sides['both']:,}",
            f"{sides['neither']:,}",
            *(f"{len(queries):,}" for queries in only),
            *(", ".join(map(str, queries[:_NAMED_QUERIES])) for queries in only),
        )
    print_table(out, table)


def _print_gate(out: Console, gate: Mapping[str, Any]) -> None:
    if gate["failed"]:
        out.print(f"gate: FAILED, worse by {gate['limit']:g} or more", style="bold red")
        for line in gate["failed"]:
            out.print(f"  {line}", style="red")
    else:
        out.print(f"gate: passed, nothing surely worse by {gate['limit']:g}", style="green")
    for line in gate["blind"]:
        out.print(f"  but {line}: more builds or queries would see more", style="yellow")
