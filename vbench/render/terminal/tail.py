"""The tables of a tail, for a person at a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from rich import box
from rich.console import Console
from rich.table import Table

from vbench._document import Interval
from vbench.analysis.efforts import Effort
from vbench.analysis.hardness import Association
from vbench.analysis.internals import GraphInternals, Internals, ListInternals
from vbench.analysis.segments import SegmentRow, worst_of_each
from vbench.analysis.tail import TailReport, TailRow
from vbench.analysis.worst import Neighbor
from vbench.data.columns import FEW
from vbench.numbers import seconds
from vbench.render.terminal.output import console, print_table
from vbench.render.terminal.tables import print_warnings
from vbench.render.terminal.terminal import headed, styled
from vbench.runs.settings import spell

_SHOWN_IDS = 3
_SHOWN_HARDNESS = 2


class _Spanned(Protocol):
    """A value that may be unknown, and the ends of its interval."""

    @property
    def value(self) -> float | None: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


def print_tail(report: TailReport) -> None:
    """Print the tail of each index, then what the indexes share."""
    out = console()
    clustered = f", clustered by {report.cluster}" if report.cluster else ""
    out.print(
        headed(
            report.dataset,
            f": {report.queries:,} queries, top {report.k}; the tail is recall under "
            f"{report.delta:g}; 95 % intervals in brackets{clustered}",
        )
    )
    print_table(out, _summary(report))
    for row in report.indexes:
        _print_row(out, row)
    _print_overlap(out, report)
    print_warnings(out, report.warnings)
    if all(row.internals is None for row in report.indexes):
        out.print(
            "next: --graph builds the indexes again and shows their internals: what can a search "
            "not reach?",
            style="dim",
        )


def _table(title: str, *columns: str) -> Table:
    """A table whose first column is text and whose others are numbers."""
    table = Table(
        title=title,
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        min_width=len(title),
    )
    table.add_column(columns[0])
    for column in columns[1:]:
        table.add_column(column, justify="right")
    return table


def _summary(report: TailReport) -> Table:
    table = _table(
        "Size of the tail", "index", "builds", "mean recall", f"under {report.delta:g}",
        "in every build", "in some builds",
    )  # fmt: skip
    for row in report.indexes:
        table.add_row(
            row.name,
            str(row.builds),
            _with_ends(row.recall, ".3f"),
            _percent(row.under),
            *(
                _percent(Interval(part.share, part.low, part.high))
                for part in (row.persistent, row.build_dependent)
            ),
        )
    return table


def _print_row(out: Console, row: TailRow) -> None:
    out.rule(styled(row.name, style="bold"), align="left")
    if row.worst:
        print_table(out, _worst(row))
    if row.segments:
        print_table(out, _segments(row.segments))
    if row.hardness:
        print_table(out, _hardness(row.hardness))
    if row.effort:
        _print_effort(out, row.effort)
    if row.internals:
        _print_internals(out, row.internals)


def _worst(row: TailRow) -> Table:
    columns = list(row.worst[0].columns)
    hard = [each.measure for each in row.hardness[:_SHOWN_HARDNESS]]
    table = _table("The worst queries (id and rank; × builds)", "query", "recall", "hits of builds")
    table.add_column("tail")
    for name in columns:
        table.add_column(name)
    for name in hard:
        table.add_column(name, justify="right")
    table.add_column("missed")
    table.add_column("returned instead")
    for each in row.worst:
        table.add_row(
            str(each.id),
            f"{each.recall:.2f}",
            " ".join(map(str, each.hits)),
            each.kind.replace("_", "-"),
            *(_written(each.columns[name]) for name in columns),
            *(f"{each.hardness[name]:.3g}" for name in hard),
            _ids(each.missed),
            _ids(each.instead),
        )
    table.caption = "far: beyond the true neighbors whose rank is known."
    return table


def _written(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _ids(entries: Sequence[Neighbor]) -> str:
    shown = []
    for entry in entries[:_SHOWN_IDS]:
        rank = "far" if entry.rank is None else f"{entry.rank}."
        shown.append(f"{entry.id} ({rank} ×{entry.builds})")
    more = len(entries) - _SHOWN_IDS
    return " ".join(shown) + (f" +{more}" if more > 0 else "")


def _segments(rows: Sequence[SegmentRow]) -> Table:
    table = _table(
        "Tail by segment", "column", "segment", "queries", "share in the tail", "of the tail",
        "lift",
    )  # fmt: skip
    table.columns[1].justify = "left"
    shown = worst_of_each(rows)
    for row in shown:
        table.add_row(
            row.column,
            row.segment,
            f"{row.queries:,}",
            _percent(Interval(row.share, row.low, row.high)),
            "–" if row.of_tail is None else f"{row.of_tail:.1%}",
            _with_ends(Interval(row.lift, row.lift_low, row.lift_high), ".2f"),
        )
    if len(rows) > len(shown):
        more = len(rows) - len(shown)
        table.caption = f"Of each column the {FEW} of the highest lift; {more:,} more: --json."
    return table


def _hardness(rows: Sequence[Association]) -> Table:
    table = _table("Hardness", "measure", "Spearman's ρ with recall", "AUC of the tail")
    for row in rows:
        table.add_row(
            row.measure,
            _with_ends(Interval(row.spearman, row.spearman_low, row.spearman_high), "+.2f"),
            _with_ends(Interval(row.auc, row.auc_low, row.auc_high), ".2f"),
        )
    table.caption = "AUC: chance that a query of the tail has the larger value; 0.5 tells nothing."
    return table


def _print_effort(out: Console, effort: Effort) -> None:
    table = _table(
        f"Smallest sufficient setting, to reach {effort.delta:g} and stay there",
        "setting", "mean recall", "queries",
    )  # fmt: skip
    for row in effort.settings:
        table.add_row(spell(row.setting), f"{row.recall:.3f}", _percent(row.queries))
    table.add_row("none of these", "", _percent(effort.never))
    print_table(out, table)
    if gain := effort.gain:
        each, one = (
            seconds(cost) if gain.cost == "latency" else f"{cost:,.0f} distance computations"
            for cost in (gain.each, gain.one)
        )
        spread = "" if gain.spread is None else f" ± {gain.spread:.2f} over builds"
        out.print(
            f"oracle per-query setting: {each} a query, one setting for all: {one}; "
            f"{gain.factor:.2f} times cheaper{spread}, {gain.served:.1%} of the queries served"
        )
        out.print()


def _print_internals(out: Console, internals: Internals) -> None:
    if internals.graph:
        _print_graph(out, internals.graph)
    if internals.lists:
        _print_lists(out, internals.lists)
    if not internals.graph and not internals.lists:
        out.print("internals: this index shows neither graph nor lists", style="dim")


def _print_graph(out: Console, graph: GraphInternals) -> None:
    table = _table("Internals: the graph", "what", "mean over builds")
    table.add_row("reachable base vectors", _percent(graph.reachable))
    table.add_row("base vectors with no in-links (orphans)", _percent(graph.orphans))
    table.add_row("out-degree, mean", _plain(graph.out_degree))
    table.add_row("in-degree, median", _plain(graph.in_degree_median))
    table.add_row("in-degree, largest", _plain(graph.in_degree_most))
    print_table(out, table)
    table = _table("Internals: which neighbors it misses", "kind", "missed", "found", "base")
    for words, *shares in (
        (
            "unreachable from the entry points",
            graph.missed_unreachable, graph.found_unreachable, graph.base_unreachable,
        ),
        (
            "anti-hubs: lowest in-degree",
            graph.missed_anti_hub, graph.found_anti_hub, graph.base_anti_hub,
        ),
        ("hubs: highest in-degree", graph.missed_hub, graph.found_hub, graph.base_hub),
    ):  # fmt: skip
        table.add_row(words, *map(_percent, shares))
    print_table(out, table)


def _print_lists(out: Console, lists: ListInternals) -> None:
    table = _table("Internals: in how many lists the true neighbors lie", "what", "lists")
    for words, value in (
        ("of a query, mean", lists.mean),
        ("of a query in the tail", lists.mean_in_tail),
        ("of another query", lists.mean_elsewhere),
        ("most", lists.most),
        ("lists in all", lists.lists),
        ("Spearman's ρ with recall", lists.spearman_with_recall),
    ):
        table.add_row(words, _plain(value))
    print_table(out, table)


def _print_overlap(out: Console, report: TailReport) -> None:
    if not report.overlap:
        return
    table = _table(
        "Would another index have served them? (tail: under δ in most builds)",
        "index", "its tail", "other", "served by the other", "fails with it",
    )  # fmt: skip
    table.columns[2].justify = "left"
    for row in report.overlap:
        table.add_row(
            row.index,
            f"{row.tail:,}",
            row.other,
            "–"
            if row.share is None
            else f"{row.saved:,} = " + _percent(Interval(row.share, row.low, row.high)),
            "–" if row.lift is None else f"{row.lift:.1f}× as often as any",
        )
    print_table(out, table, 3)
    out.print(
        f"{report.everywhere.some:,} queries are in the tail of some index, "
        f"{report.everywhere.every:,} of them in that of every index here"
    )


def _with_ends(value: _Spanned, form: str) -> str:
    if value.value is None:
        return "–"
    text = f"{value.value:{form}}"
    if value.low is None or value.high is None:
        return text
    return f"{text} [{value.low:{form}}, {value.high:{form}}]"


def _percent(value: _Spanned) -> str:
    if value.value is None:
        return "–"
    text = f"{value.value:.1%}"
    if value.low is None or value.high is None:
        return text
    return f"{text} [{100 * value.low:.1f}, {100 * value.high:.1f}]"


def _plain(value: _Spanned) -> str:
    return _with_ends(value, ".3g")
