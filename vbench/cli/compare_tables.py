"""The tables of a comparison, for a person at a terminal."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from vbench.cli.output import console
from vbench.cli.tables import print_warnings

_NAMED_QUERIES = 5
_STYLES = {"candidate": "green", "baseline": "red"}


def print_comparisons(document: Mapping[str, Any]) -> None:
    """Print each pair with its verdicts, the queries that changed sides, and the gate."""
    out = console()
    clustered = f", clustered by {document['cluster']}" if document["cluster"] else ""
    out.print(
        f"[bold]{escape(document['dataset'])}[/]: {document['queries']:,} queries, "
        f"paired{escape(clustered)}; "
        f"{document['level']:.0%} intervals, p adjusted by Holm"
    )
    for rows in by_pair(document["comparisons"]):
        out.print(_table(rows))
        _print_changed(out, rows)
        for row in rows:
            style = _STYLES.get(row["better"] or "", "dim")
            out.print(Text("• ", style=style).append(row["verdict"], style=style))
        out.print()
    if gate := document["gate"]:
        _print_gate(out, gate)
    print_warnings(out, document["warnings"])


def by_pair(entries: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """The comparisons of one pair of settings together."""
    for _, rows in itertools.groupby(
        entries, key=lambda entry: (entry["baseline"], entry["candidate"], entry["k"])
    ):
        yield list(rows)


def number(value: float, signed: bool = False) -> str:
    """Four digits; nothing where nothing is known."""
    if not math.isfinite(value):
        return "–"
    sign = "+" if signed else ""
    return f"{value:{sign}.4f}" if abs(value) < 10 else f"{value:{sign},.4g}"


def p_value(value: float) -> str:
    """A p, or that it is too small to write."""
    if math.isnan(value):
        return "–"
    return "< 0.0001" if value < 1e-4 else f"{value:.4f}"


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    first = rows[0]
    builds = " and ".join(map(str, first["builds"]))
    table = Table(
        title=Text(f"{first['baseline']} → {first['candidate']} ({builds} builds)"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("measure", no_wrap=True)
    for column in ("baseline", "candidate", "difference", "95 % interval", "p", "could see"):
        table.add_column(column, justify="right")
    for row in rows:
        ends = [row["low"], row["high"]]
        known = all(map(math.isfinite, ends))
        table.add_row(
            row["measure"],
            *(_with_ends(row, side) for side in ("baseline", "candidate")),
            number(row["difference"], signed=True),
            f"{number(ends[0], signed=True)} … {number(ends[1], signed=True)}" if known else "–",
            p_value(row["p_holm"]),
            number(row["detectable"]),
            style=_STYLES.get(row["better"] or "", ""),
        )
    return table


def _with_ends(row: Mapping[str, Any], side: str) -> str:
    low, high = row[f"{side}_interval"]
    ends = "" if low is None else f" [{number(low)} {number(high)}]"
    return number(row[f"{side}_value"]) + escape(ends)


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
        only = [sides["only_baseline"], sides["only_candidate"]]
        table.add_row(
            row["measure"],
            f"{sides['both']:,}",
            f"{sides['neither']:,}",
            *(f"{len(queries):,}" for queries in only),
            *(", ".join(map(str, queries[:_NAMED_QUERIES])) for queries in only),
        )
    out.print(table)


def _print_gate(out: Console, gate: Mapping[str, Any]) -> None:
    if gate["failed"]:
        out.print(Text(f"gate: FAILED, worse by {gate['limit']:g} or more", style="bold red"))
        for line in gate["failed"]:
            out.print(Text(f"  {line}", style="red"))
    else:
        out.print(Text(f"gate: passed, nothing surely worse by {gate['limit']:g}", style="green"))
    for line in gate["blind"]:
        out.print(Text(f"  but {line}: more builds or queries would see more", style="yellow"))
