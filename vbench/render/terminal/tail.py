"""The tables of a tail, for a person at a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from vbench.analysis.segments import worst_of_each
from vbench.data.columns import FEW
from vbench.numbers import seconds
from vbench.render.terminal.output import console, print_table
from vbench.render.terminal.run import print_warnings
from vbench.render.terminal.terminal import headed, styled

Entry = Mapping[str, Any]

_SHOWN_IDS = 3
_SHOWN_HARDNESS = 2
_SIDES = {
    "reachable": "base vectors that a search can reach",
    "orphans": "base vectors in nobody's list",
    "out_degree": "mean length of a list",
    "in_degree_median": "lists a vector stands in, median",
    "in_degree_most": "lists a vector stands in, most",
}


def print_tail(document: Entry) -> None:
    """Print the tail of each index, then what the indexes share."""
    out = console()
    delta, k = document["delta"], document["k"]
    clustered = f", clustered by {document['cluster']}" if document["cluster"] else ""
    out.print(
        headed(
            document["dataset"],
            f": {document['queries']:,} queries, top {k}; "
            f"the tail is recall under {delta:g}; 95 % intervals in brackets{clustered}",
        )
    )
    print_table(out, _summary(document["indexes"], delta))
    for index in document["indexes"]:
        _print_index(out, index, document["queries"])
    _print_overlap(out, document)
    print_warnings(out, document["warnings"])
    if all(index["inside"] is None for index in document["indexes"]):
        out.print(
            "next: --graph builds the indexes again and looks inside: what can a search not reach?",
            style="dim",
        )


def _table(title: str, *columns: str) -> Table:
    """A table whose first column is text and whose others are numbers."""
    table = Table(
        title=title,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        min_width=len(title),
    )
    table.add_column(columns[0])
    for column in columns[1:]:
        table.add_column(column, justify="right")
    return table


def _summary(indexes: Sequence[Entry], delta: float) -> Table:
    table = _table(
        "How large", "index", "builds", "mean recall", f"under {delta:g}", "in every build",
        "in some builds",
    )  # fmt: skip
    for index in indexes:
        table.add_row(
            index["name"],
            str(index["builds"]),
            _with_ends(index["recall"], ".3f"),
            _percent(index["under"]),
            *(
                _percent({"value": index[part]["share"], **index[part]})
                for part in ("persistent", "lottery")
            ),
        )
    return table


def _print_index(out: Console, index: Entry, queries: int) -> None:
    out.rule(styled(index["name"], style="bold"), align="left")
    if index["worst"]:
        print_table(out, _worst(index))
    if index["segments"]:
        print_table(out, _segments(index["segments"]))
    if index["hardness"]:
        print_table(out, _hardness(index["hardness"]))
    if index["effort"]:
        _print_effort(out, index["effort"])
    if index["inside"]:
        _print_inside(out, index["inside"])


def _worst(index: Entry) -> Table:
    rows = index["worst"]
    columns = list(rows[0]["columns"])
    hard = [row["measure"] for row in index["hardness"][:_SHOWN_HARDNESS]]
    table = _table("The worst queries (id and rank; × builds)", "query", "recall", "hits of builds")
    table.add_column("tail")
    for name in columns:
        table.add_column(name)
    for name in hard:
        table.add_column(name, justify="right")
    table.add_column("missed")
    table.add_column("came instead")
    for row in rows:
        table.add_row(
            str(row["id"]),
            f"{row['recall']:.2f}",
            " ".join(map(str, row["hits"])),
            row["kind"],
            *(_written(row["columns"][name]) for name in columns),
            *(f"{row['hardness'][name]:.3g}" for name in hard),
            _ids(row["missed"]),
            _ids(row["instead"]),
        )
    table.caption = "far: beyond the true neighbors whose rank is known."
    table.caption_justify = "left"
    return table


def _written(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _ids(entries: Sequence[Entry]) -> str:
    shown = []
    for entry in entries[:_SHOWN_IDS]:
        rank = "far" if entry["rank"] is None else f"{entry['rank']}."
        shown.append(f"{entry['id']} ({rank} ×{entry['builds']})")
    more = len(entries) - _SHOWN_IDS
    return " ".join(shown) + (f" +{more}" if more > 0 else "")


def _segments(rows: Sequence[Entry]) -> Table:
    table = _table(
        "Who", "column", "segment", "queries", "share in the tail", "of the tail", "lift"
    )
    table.columns[1].justify = "left"
    shown = worst_of_each(rows, lambda row: row["column"])
    for row in shown:
        lift = {"value": row["lift"], "low": row["lift_low"], "high": row["lift_high"]}
        table.add_row(
            row["column"],
            row["segment"],
            f"{row['queries']:,}",
            _percent({"value": row["share"], **row}),
            "–" if row["of_tail"] is None else f"{row['of_tail']:.1%}",
            _with_ends(lift, ".2f"),
        )
    if len(rows) > len(shown):
        more = len(rows) - len(shown)
        table.caption = f"Of each column the {FEW} of the highest lift; {more:,} more: --json."
        table.caption_justify = "left"
    return table


def _hardness(rows: Sequence[Entry]) -> Table:
    table = _table("How hard", "measure", "Spearman's ρ with recall", "AUC of the tail")
    for row in rows:
        ends = ("", "_low", "_high")
        rho, auc = (
            dict(zip(("value", "low", "high"), (row[name + end] for end in ends), strict=True))
            for name in ("spearman", "auc")
        )
        table.add_row(row["measure"], _with_ends(rho, "+.2f"), _with_ends(auc, ".2f"))
    table.caption = "AUC: chance that a query of the tail has the larger value; 0.5 tells nothing."
    table.caption_justify = "left"
    return table


def _print_effort(out: Console, effort: Entry) -> None:
    table = _table(
        f"How wide a search they need to reach {effort['delta']:g}, and stay there",
        "smallest setting", "mean recall", "queries",
    )  # fmt: skip
    for row in effort["settings"]:
        spelt = " ".join(f"{name}={value}" for name, value in row["setting"].items())
        table.add_row(spelt, f"{row['recall']:.3f}", _percent(row["queries"]))
    table.add_row("none of these", "", _percent(effort["never"]))
    print_table(out, table)
    if gain := effort["gain"]:
        spread = "" if gain["spread"] is None else f" ± {gain['spread']:.2f} over builds"
        out.print(
            f"a perfect setting for each query: {seconds(gain['each'])} a query instead of "
            f"{seconds(gain['one'])} with one for all, {gain['factor']:.2f} times cheaper{spread}"
        )
        out.print()


def _print_inside(out: Console, inside: Entry) -> None:
    if graph := inside["graph"]:
        table = _table("Inside: the graph", "what", "mean over builds")
        for name, words in _SIDES.items():
            form = _percent if name in ("reachable", "orphans") else _plain
            table.add_row(words, form(graph[name]))
        print_table(out, table)
        table = _table("Inside: which neighbors it misses", "kind", "missed", "found", "base")
        for kind, words in (
            ("unreachable", "unreachable: no way leads there"),
            ("anti_hub", "anti-hubs: in the fewest lists"),
            ("hub", "hubs: in the most lists"),
        ):
            cells = (_percent(graph[f"{where}_{kind}"]) for where in ("missed", "found", "base"))
            table.add_row(words, *cells)
        print_table(out, table)
    if lists := inside["lists"]:
        table = _table("Inside: in how many lists the true neighbors lie", "what", "lists")
        for name, words in (
            ("mean", "of a query, mean"),
            ("mean_in_tail", "of a query in the tail"),
            ("mean_elsewhere", "of another query"),
            ("most", "most"),
            ("lists", "lists in all"),
            ("spearman_with_recall", "Spearman's ρ with recall"),
        ):
            table.add_row(words, _plain(lists[name]))
        print_table(out, table)
    if not inside["graph"] and not inside["lists"]:
        out.print("inside: this index shows neither graph nor lists", style="dim")


def _print_overlap(out: Console, document: Entry) -> None:
    rows = document["overlap"]
    if not rows:
        return
    table = _table(
        "Would another index have served them? (tail: under δ in most builds)",
        "index", "its tail", "other", "served by the other", "fails with it",
    )  # fmt: skip
    table.columns[2].justify = "left"
    for row in rows:
        table.add_row(
            row["index"],
            f"{row['tail']:,}",
            row["other"],
            "–"
            if row["share"] is None
            else f"{row['saved']:,} = " + _percent({**row, "value": row["share"]}),
            "–" if row["lift"] is None else f"{row['lift']:.1f}× as often as any",
        )
    print_table(out, table, 3)
    every = document["everywhere"]
    out.print(
        f"{every['some']:,} queries are in the tail of some index, {every['every']:,} of them in "
        "that of every index here"
    )


def _with_ends(value: Entry, form: str) -> str:
    if value["value"] is None or math.isnan(value["value"]):
        return "–"
    text = f"{value['value']:{form}}"
    if value["low"] is None or not math.isfinite(value["low"]):
        return text
    return f"{text} [{value['low']:{form}}, {value['high']:{form}}]"


def _percent(value: Entry) -> str:
    if value["value"] is None or math.isnan(value["value"]):
        return "–"
    text = f"{value['value']:.1%}"
    if value["low"] is None:
        return text
    return f"{text} [{100 * value['low']:.1f}, {100 * value['high']:.1f}]"


def _plain(value: Entry) -> str:
    return _with_ends(value, ".3g")
