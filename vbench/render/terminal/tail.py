"""The tables of a tail: a terminal prints them, and Markdown is made of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from rich.table import Table
from rich.text import Text

from vbench._document import Interval
from vbench.analysis.efforts import Effort
from vbench.analysis.hardness import Association
from vbench.analysis.in_graph import Telling
from vbench.analysis.internals import Advice, GraphInternals, Internals, ListInternals
from vbench.analysis.overlap import Overlap
from vbench.analysis.segments import SegmentRow, worst_of_each
from vbench.analysis.shares import QueryShare
from vbench.analysis.tail import TailReport, TailRow
from vbench.analysis.tail_views import ViewTail
from vbench.analysis.worst import Neighbor
from vbench.data.columns import FEW
from vbench.numbers import Unit, write, write_difference, write_difference_ends, write_interval
from vbench.render.terminal.items import tabulate_groups, tabulate_items, tabulate_lost
from vbench.render.terminal.output import console, print_table
from vbench.render.terminal.tables import lead_with, make_table, print_warnings, style_text
from vbench.runs.settings import spell

_SHOWN_IDS = 3
_SHOWN_HARDNESS = 2


class Heading(NamedTuple):
    """What the parts after it are about."""

    text: str


class Shown(NamedTuple):
    """A table, and how many of its columns say what a row is about."""

    table: Table
    heads: int = 1


class Said(NamedTuple):
    """A line of text, and how it looks."""

    text: str | Text
    style: str = ""


Part = Heading | Shown | Said


def print_tail(report: TailReport) -> None:
    """Print the tail of each index, then what the indexes share."""
    out = console()
    for part in parts_of(report):
        if isinstance(part, Heading):
            out.rule(style_text(part.text, style="bold"), align="left")
        elif isinstance(part, Shown):
            print_table(out, part.table, part.heads)
        else:
            out.print(part.text, style=part.style)
    print_warnings(out, report.warnings)
    if all(row.internals is None for row in report.indexes):
        out.print(
            "next: --graph builds the indexes again and shows their internals: what can a search "
            "not reach?",
            style="dim",
        )


def parts_of(report: TailReport) -> Iterator[Part]:
    """What a tail says, part by part: what all indexes have, each index, what they share."""
    clustered = f", clustered by {report.cluster}" if report.cluster else ""
    yield Said(
        lead_with(
            report.dataset,
            f": {' '.join(filter(None, (f'{report.queries:,} queries', report.under)))}, "
            f"top {report.k}; the tail is recall under {report.delta:g}; "
            f"95 % intervals in brackets{clustered}, of every and some builds over queries only",
        )
    )
    yield Shown(_summary(report))
    if items := tabulate_items(report):
        yield Shown(items)
    for row in report.indexes:
        yield from _parts_of_row(row)
    yield from _overlap(report)
    if report.views:
        yield from _views(report)


def _views(report: TailReport) -> Iterator[Part]:
    """A table for each view, then who is in the tail in one of them alone."""
    first = report.views[0].name
    yield Heading(f"The tail in each of {len(report.views)} views")
    for view in report.views:
        yield Shown(_of_view(view, report.delta, first))
    fallen = [(view, row) for view in report.views for row in view.indexes if row.only]
    if any(row.only and row.only.queries for _, row in fallen):
        table = make_table(
            f"Under {report.delta:g} there, and not in view {first}",
            *("view", "index", "queries", "most of them in", "the worst, with recall there"),
        )
        for view, row in fallen:
            worst = max(row.segments, key=lambda each: each.lift or 0.0, default=None)
            table.add_row(
                view.name,
                row.name,
                "" if row.only is None else _share(row.only),
                "" if worst is None or (worst.lift or 0.0) <= 1.0 else _most(worst),
                ", ".join(
                    f"{each.id} ({write(each.recall, 'score')})" for each in row.fallen[:_SHOWN_IDS]
                ),
            )
        table.caption = (
            "most of them in: the segment whose queries are among them how many times as often as "
            "any."
        )
        yield Shown(table, 2)
    yield Said("--view NAME explains one of them", "dim")


def _most(segment: SegmentRow) -> str:
    lift = "" if segment.lift is None else f" ({segment.lift:.1f} ×)"
    return f"{segment.column} {segment.segment}{lift}"


def _of_view(view: ViewTail, delta: float, first: str) -> Table:
    only = [] if view.name == first else ["only here"]
    table = make_table(
        f"View {view.name}", "index", "mean recall", f"under {delta:g}", "in every build",
        "in some builds", *only,
    )  # fmt: skip
    for row in view.indexes:
        table.add_row(
            row.name,
            write_interval(row.recall, "score"),
            write_interval(row.under, "share"),
            *(_share(part) for part in (row.persistent, row.build_dependent)),
            *([_share(row.only)] if row.only is not None else []),
        )
    return table


def _summary(report: TailReport) -> Table:
    table = make_table(
        "Size of the tail", "index", "builds", "mean recall", f"under {report.delta:g}",
        "in every build", "in some builds",
    )  # fmt: skip
    for row in report.indexes:
        table.add_row(
            row.name,
            str(row.builds),
            write_interval(row.recall, "score"),
            write_interval(row.under, "share"),
            *(_share(part) for part in (row.persistent, row.build_dependent)),
        )
    return table


def _parts_of_row(row: TailRow) -> Iterator[Part]:
    yield Heading(row.name)
    if row.worst:
        yield Shown(_worst(row))
    if row.segments:
        yield Shown(_segments(row.segments))
    if row.items:
        yield Shown(tabulate_groups(row.items))
        if lost := tabulate_lost(row.items):
            yield Shown(lost)
    if row.hardness:
        yield Shown(_hardness(row.hardness))
    if row.effort:
        yield from _effort(row.effort)
    if row.internals:
        yield from _internals(row.internals)
    if row.telling:
        yield Shown(_telling(row.telling))
    if row.internals and row.internals.advice is not None:
        yield from _advice(row.internals.advice)


def _worst(row: TailRow) -> Table:
    columns = list(row.worst[0].columns)
    hard = [each.measure for each in row.hardness[:_SHOWN_HARDNESS]]
    table = make_table(
        "The worst queries (id and rank; × builds)", "query", "recall", "hits of builds"
    )
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
    if value is None:
        return "–"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _ids(entries: Sequence[Neighbor]) -> str:
    shown = []
    for entry in entries[:_SHOWN_IDS]:
        rank = "far" if entry.rank is None else f"{entry.rank}."
        shown.append(f"{entry.id} ({rank} ×{entry.builds})")
    more = len(entries) - _SHOWN_IDS
    return " ".join(shown) + (f" +{more}" if more > 0 else "")


def _segments(rows: Sequence[SegmentRow]) -> Table:
    table = make_table(
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
            _share(row),
            write(row.of_tail, "share"),
            write_interval(Interval(row.lift, row.lift_low, row.lift_high), "number"),
        )
    if len(rows) > len(shown):
        more = len(rows) - len(shown)
        table.caption = f"Of each column the {FEW} of the highest lift; {more:,} more: --json."
    return table


def _hardness(rows: Sequence[Association]) -> Table:
    table = make_table("Hardness", "measure", "Spearman's ρ with recall", "AUC of the tail")
    for row in rows:
        table.add_row(
            row.measure,
            write_interval(Interval(row.spearman, row.spearman_low, row.spearman_high), "score"),
            write_interval(Interval(row.auc, row.auc_low, row.auc_high), "score"),
        )
    table.caption = "AUC: chance that a query of the tail has the larger value; 0.5 tells nothing."
    return table


def _effort(effort: Effort) -> Iterator[Part]:
    table = make_table(
        f"Smallest sufficient setting, to reach {effort.delta:g} and stay there",
        "setting", "mean recall", "queries",
    )  # fmt: skip
    for row in effort.settings:
        table.add_row(spell(row.setting), f"{row.recall:.3f}", write_interval(row.queries, "share"))
    table.add_row("none of these", "", write_interval(effort.never, "share"))
    yield Shown(table)
    if gain := effort.gain:
        unit: Unit = "seconds" if gain.cost == "latency" else "count"
        cost = "" if gain.cost == "latency" else " distance computations"
        spread = "" if gain.spread is None else f" ± {gain.spread:.2f} over builds"
        yield Said(
            f"oracle per-query setting: {write(gain.each, unit)}{cost} a query, one setting for "
            f"all: {write(gain.one, unit)}; {gain.factor:.2f} times cheaper{spread}, "
            f"{write(gain.served, 'share')} of the queries served\n"
        )


def _internals(internals: Internals) -> Iterator[Part]:
    if internals.graph:
        yield from _graph(internals.graph)
    if internals.lists:
        yield Shown(_lists(internals.lists))
    if not internals.graph and not internals.lists:
        yield Said("internals: this index shows neither graph nor lists", style="dim")


def _graph(graph: GraphInternals) -> Iterator[Part]:
    table = make_table("Internals: the graph", "what", "mean over builds")
    table.add_row("reachable base vectors", write_interval(graph.reachable, "share"))
    table.add_row("base vectors with no in-links (orphans)", write_interval(graph.orphans, "share"))
    table.add_row("out-degree, mean", write_interval(graph.out_degree, "number"))
    table.add_row("in-degree, median", write_interval(graph.in_degree_median, "number"))
    table.add_row("in-degree, largest", write_interval(graph.in_degree_most, "number"))
    yield Shown(table)
    table = make_table("Internals: which neighbors it misses", "kind", "missed", "found", "base")
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
        table.add_row(words, *(write_interval(share, "share") for share in shares))
    yield Shown(table)


def _telling(rows: Sequence[Telling]) -> Table:
    table = make_table(
        "What tells whom the graph fails (AUC)", "measure", "in its own build", "in every build",
        "in which build",
    )  # fmt: skip
    for row in rows:
        table.add_row(
            row.measure,
            write_interval(row.own_build, "score"),
            write_interval(row.persistent, "score"),
            "–" if row.which_build is None else write_interval(row.which_build, "score"),
        )
    table.caption = (
        "In its own build: chance that a query of the tail has the larger value there; in every "
        "build: the persistent\ntail; in which build: of a query that fails in some, that the "
        "value is larger where it does. 0.5 tells nothing."
    )
    return table


def _advice(tried: Sequence[Advice]) -> Iterator[Part]:
    """What helped, or that nothing did."""
    names = ", ".join(each.change for each in tried)
    gained = [each for each in tried if each.gained]
    if not gained:
        yield Said(
            f"advice: nothing of what was tried helps at equal work: {names or 'none applies'}"
        )
        return
    table = make_table(
        "Advice: what helped at equal work, on queries that were held out",
        "change", "recall", "queries well served", "zero-recall", "distances a query", "do",
        text=("do",),
    )  # fmt: skip
    for each in gained:
        table.add_row(
            each.what,
            _gain(each.recall, "score"),
            _gain(each.reached, "share"),
            _gain(each.zero, "share"),
            f"{each.work_before:,.0f} → {each.work:,.0f}",
            each.advice,
        )
    table.caption = f"{gained[0].queries:,} queries judge; tried: {names}."
    yield Shown(table)


def _gain(found: Interval, unit: Unit) -> str:
    return f"{write_difference(found.value, unit)} {write_difference_ends(found, unit)}".rstrip()


def _lists(lists: ListInternals) -> Table:
    table = make_table("Internals: in how many lists the true neighbors lie", "what", "lists")
    for words, value in (
        ("of a query, mean", lists.mean),
        ("of a query in the tail", lists.mean_in_tail),
        ("of another query", lists.mean_elsewhere),
        ("most", lists.most),
        ("lists in all", lists.lists),
        ("Spearman's ρ with recall", lists.spearman_with_recall),
    ):
        table.add_row(words, write_interval(value, "number"))
    return table


def _overlap(report: TailReport) -> Iterator[Part]:
    if not report.overlap:
        return
    table = make_table(
        "Would another index have served them? (tail: under δ in most builds)",
        "index", "its tail", "other", "served by the other", "fails with it",
    )  # fmt: skip
    table.columns[2].justify = "left"
    for row in report.overlap:
        table.add_row(
            row.index,
            f"{row.tail:,}",
            row.other,
            "–" if row.share is None else f"{row.saved:,} = " + _share(row),
            "–" if row.lift is None else f"{write(row.lift, 'number')} × as often as any",
        )
    yield Shown(table, 3)
    yield Said(
        f"{report.everywhere.some:,} queries are in the tail of some index, "
        f"{report.everywhere.every:,} of them in that of every index here"
    )


def _share(part: QueryShare | SegmentRow | Overlap) -> str:
    return write_interval(Interval(part.share, part.low, part.high), "share")
