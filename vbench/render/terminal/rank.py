"""The tables of a ranking, for a person at a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from vbench.measures import usual
from vbench.ranking.predict import FEWEST_SETTINGS
from vbench.render.terminal.output import console, print_table
from vbench.render.terminal.run import parameter_names
from vbench.render.terminal.terminal import headed, warned
from vbench.runs.settings import join_values

Document = Mapping[str, Any]
_LEADING = "nDCG@10"
_SHOWN_MEASURES = 6


def print_ranking(document: Document) -> None:
    """Print what is lost by the model and by the index, where, and what tells so beforehand."""
    out = console()
    exact = document["exact"]
    popular = (
        ""
        if exact["popular"] is None
        else f", the {document['k']} most popular hold {exact['popular']:.1%}"
    )
    out.print(
        headed(
            document["dataset"]["name"],
            f": {document['judged']:,} judged queries, "
            f"{document['relevant']:,} relevant items; exact search finds {exact['found']:.1%} of "
            f"them among {document['k']} candidates{popular}, chance {exact['chance']:.2%}",
        )
    )
    print_table(out, _models(document), 1)
    for each in document["rankers"]:
        rows = [row for row in document["settings"] if row["ranker"] == each["ranker"]]
        heads = 1 + len(parameter_names(rows))
        print_table(out, _losses(each, rows, document), heads)
        print_table(out, _where(each["ranker"], rows), heads)
    _print_predictions(out, document)
    _print_deltas(out, document)
    if document["failed"]:
        out.print(
            headed(
                "!",
                f" {len(document['failed'])} planned trials left no result and are not "
                "ranked; an index that fails where it is hard looks better than it is",
                "yellow",
            )
        )
    _print_warnings(out, document["warnings"])
    for run in document["runs"]:
        out.print(f"kept in: {run}/rank.json")
    out.print(
        "next: --json gives every number, --figures FOLDER draws them, --export FOLDER hands the "
        "candidates to a ranker elsewhere",
        style="dim",
    )


def _table(title: str | None = None) -> Table:
    return Table(
        title=title,
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )


def _models(document: Document) -> Table:
    table = _table("Losses of the model: exact candidates, ranked (95 % interval over queries)")
    table.add_column("ranker", no_wrap=True)
    names = list(document["rankers"][0]["measures"])
    for name in names:
        table.add_column(name, justify="right")
    table.add_column(f"lost of {_LEADING}", justify="right")
    table.add_column("above popularity", justify="right")
    table.add_column("Kendall τ", justify="right")
    for row in document["rankers"]:
        table.add_row(
            row["ranker"],
            *(_span(row["measures"][name]["exact"], name == _LEADING) for name in names),
            _number(row["measures"][_LEADING]["model_loss"]["value"]),
            _against_popularity(row),
            _number(row["kendall"], 2),
        )
    table.caption = "Kendall τ: order of retrieval against the order of the ranker."
    return table


def _against_popularity(row: Document) -> str:
    above = row["above_popularity"]
    if above is None:
        return "–"
    return _span(above, True, "+.4f") + ("" if row["beats_popularity"] else " does not beat it")


def _losses(ranker: Document, rows: Sequence[Document], document: Document) -> Table:
    lost = ranker["measures"][_LEADING]["model_loss"]["value"]
    table = _table(
        f"Losses of the index behind {ranker['ranker']}: {document['k']} candidates, top 10, "
        "exact − trial, paired (95 % interval over queries and builds)"
    )
    table.add_column("index", no_wrap=True)
    names = parameter_names(rows)
    for name in names:
        table.add_column(name, justify="right")
    for column in ("recall", "survival", _LEADING, "lost by the model", "lost by the index"):
        table.add_column(column, justify="right")
    for column in ("of it", "Hit lost", "worst 5 %", "τ"):
        table.add_column(column, justify="right")
    for row in rows:
        given = {**row["build"], **join_values([row["setting"], *row.get("same", [])])}
        measure = row["measures"][_LEADING]
        value = measure["index_loss"]["value"]
        exact = ranker["measures"][_LEADING]["exact"]["value"]
        table.add_row(
            row["index"] + (f" ({row['space']})" if row.get("space") else ""),
            *(str(given.get(name, "")) for name in names),
            _number(row["recall"], 3),
            _number(row["survival"], 3),
            _number(measure["value"]["value"]),
            _number(lost),
            _span(measure["index_loss"], True, "+.4f"),
            f"{value / exact:+.1%}" if exact else "–",
            _signed(row["measures"]["Hit@10"]["index_loss"]["value"]),
            _signed(row["worst"]["index_loss"]["value"]),
            _number(row["kendall"], 2),
        )
    table.caption = (
        "survival: share of the exact top 10 among the candidates. of it: share of what exact "
        "candidates reach. worst 5 %: the queries with the lowest recall."
    )
    return table


def _where(ranker: str, rows: Sequence[Document]) -> Table:
    """Loss by bucket of recall and by segment, over all settings with their weights."""
    table = _table(f"Where the index loses, behind {ranker}: {_LEADING}, exact − trial")
    table.add_column("index", no_wrap=True)
    names = parameter_names(rows)
    for name in names:
        table.add_column(name, justify="right")
    buckets = [bucket["recall"] for bucket in rows[0]["buckets"]]
    for bucket in buckets:
        table.add_column(f"recall {bucket}", justify="right")
    segments = [(each["column"], each["group"]) for each in rows[0]["segments"]]
    shown = [each for each in segments if each[0] == segments[0][0]] if segments else []
    for column, value in shown:
        table.add_column(f"{column} {value}", justify="right")
    for row in rows:
        given = {**row["build"], **join_values([row["setting"], *row.get("same", [])])}
        segment = {(each["column"], each["group"]): each for each in row["segments"]}
        table.add_row(
            row["index"] + (f" ({row['space']})" if row.get("space") else ""),
            *(str(given.get(name, "")) for name in names),
            *(_marked(each["index_loss"]) for each in row["buckets"]),
            *(_marked(segment[each]["index_loss"]) for each in shown),
        )
    table.caption = (
        "* the 95 % interval of this group excludes 0. All segments and all intervals: --json."
    )
    return table


def _print_predictions(out: Console, document: Document) -> None:
    for part in document["prediction"]:
        if part["settings"] < 2:
            continue
        table = _table(
            f"Which measure tells the loss behind {part['ranker']}: {part['trials']} trials of "
            f"{part['settings']} settings, {part['pairs']} pairs with clearly different "
            f"{part['quality']}"
        )
        near = f"at matched recall ±{usual.MATCHED:g} (of {part['pairs_near']})"
        for column in ("measure", "rank correlation", "pairs misordered", near):
            table.add_column(column, justify="left" if column == "measure" else "right")
        for row in part["measures"][:_SHOWN_MEASURES]:
            table.add_row(*_predicted(row))
        plain = f"Recall@{document['k']}"
        shown = [row["measure"] for row in part["measures"][:_SHOWN_MEASURES]]
        if plain not in shown:
            table.add_row(
                *next(_predicted(row) for row in part["measures"] if row["measure"] == plain)
            )
        table.caption = f"{len(part['measures'])} measures tried; all of them: --json."
        if part["settings"] < FEWEST_SETTINGS:
            table.caption += (
                f" {part['settings']} settings order themselves well by chance; intervals come "
                f"from {FEWEST_SETTINGS} on."
            )
        print_table(out, table, 1)


def _predicted(row: Document) -> list[str]:
    parts = [
        {"value": row[name], "low": row[f"{name}_low"], "high": row[f"{name}_high"]}
        for name in ("correlation", "misordered")
    ]
    near = row["misordered_near"]
    return [
        row["measure"],
        _span(parts[0], True, ".2f"),
        _span(parts[1], True, ".2f"),
        _number(near, 2),
    ]


def _print_deltas(out: Console, document: Document) -> None:
    table = _table("Choosing δ: the recall under which a query keeps less than 90 % of its nDCG@10")
    for column in ("ranker", "recall", "δ", "beware"):
        table.add_column(column, justify="right" if column == "δ" else "left")
    for row in document["delta"]:
        value = {"value": row["delta"], "low": row["low"], "high": row["high"]}
        table.add_row(row["ranker"], row["recall"], _span(value, True, ".2f"), row["note"])
    print_table(out, table, 2)


def _print_warnings(out: Console, warnings: Sequence[Mapping[str, str]]) -> None:
    for each in warnings:
        out.print(warned(each))


def _number(value: float | None, digits: int = 4) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.4f}"


def _marked(value: Mapping[str, float | None]) -> str:
    low, high = value["low"], value["high"]
    clear = low is not None and high is not None and (low > 0 or high < 0)
    return _signed(value["value"]) + ("*" if clear else "")


def _span(value: Mapping[str, float | None], ends: bool, form: str = ".4f") -> str:
    if value["value"] is None:
        return "–"
    text = f"{value['value']:{form}}"
    if ends and value["low"] is not None:
        text += f" [{value['low']:{form}}, {value['high']:{form}}]"
    return text
