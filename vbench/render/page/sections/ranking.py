"""Section: what the ranking stage makes of the index's misses, where it was evaluated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from vbench.analysis.gather import Report
from vbench.render.page import charts_ranking as charts
from vbench.render.page.charts import Drawing
from vbench.render.page.parts import Cell, Chart, Choice, Column, Row, Section, Table, Words
from vbench.render.quantities import digits
from vbench.runs import files
from vbench.runs.settings import join_values, spell
from vbench.runs.upgrade import upgrade

SCHEMA = "vbench.rank/1"
_LEADING = "nDCG@10"
Document = Mapping[str, Any]


def section(report: Report, draw: Drawing) -> Section | None:
    """Losses of model and index, which measure tells them, and the choice of δ."""
    documents = list(_stored(report))
    if not documents:
        return None
    losses = pl.DataFrame([row for each in documents for row in _losses(each)])
    telling = pl.DataFrame([row for each in documents for row in _telling(each)])
    levels = pl.DataFrame([row for each in documents for row in _levels(each)])
    rankers = losses["ranker"].unique(maintain_order=True).to_list()
    choice = Choice("ranker", "Ranker", [(name, name) for name in rankers], rankers[0])
    parts: list[Chart | Table | Words] = [
        *(
            Words([f"{each['message']}: {each['why']}."])
            for d in documents
            for each in d["warnings"]
        ),
        _rankers(documents),
        Chart(
            "ranking-loss",
            "What the index's misses cost",
            "Loss of nDCG@10 against exact candidates under the same ranker, for every setting, "
            "with 95 % intervals. The loss of the model itself is not in it.",
            charts.losses(draw, rankers[0]),
            (choice, charts.ACROSS),
        ),
    ]
    data = {"ranking": losses}
    if not telling.is_empty():
        data["ranking_telling"] = telling
        parts.append(
            Chart(
                "ranking-telling",
                "Which measure of the index tells the loss?",
                "Rank correlation of each measure with ranking quality over all trials: the "
                "nearer to 1, the better the measure orders indexes for the ranker downstream.",
                charts.telling(draw, rankers[0], telling["measure"].n_unique()),
                (choice,),
                half=True,
            )
        )
    if not levels.is_empty():
        data["ranking_delta"] = levels
        parts.append(
            Chart(
                "ranking-delta",
                "Which δ to ask for?",
                "Ranking quality of a query relative to exact candidates, by its recall. Where "
                "the line crosses 90 % is the δ below which a query is not served.",
                charts.delta(draw, rankers[0]),
                (choice,),
                half=True,
            )
        )
        parts.append(Words(list(_choices(documents))))
    return Section(
        "ranking",
        "What does the ranking stage lose?",
        "Candidates go to a ranker; what counts is what it can still put on top. Losses of the "
        "model and losses of the index are never mixed.",
        parts,
        data,
    )


def _stored(report: Report) -> Iterator[Document]:
    for run in report.runs:
        path = files.rank_path(run.path)
        if (document := files.read_json(path)) is not None:
            yield upgrade(document, SCHEMA, path)


def _losses(document: Document) -> Iterator[dict[str, Any]]:
    for each in document["settings"]:
        loss = each["measures"][_LEADING]["index_loss"]
        yield {
            "ranker": each["ranker"],
            "index": each["index"],
            "setting": spell(
                {**each["build"], **join_values([each["setting"], *each.get("same", [])])}
            ),
            "k": each["k"],
            "recall": each["recall"],
            "survival": each["survival"],
            "quality": each["measures"][_LEADING]["value"]["value"],
            "loss": loss["value"],
            "low": loss["low"],
            "high": loss["high"],
        }


def _telling(document: Document) -> Iterator[dict[str, Any]]:
    for each in document["prediction"]:
        for measure in each["measures"]:
            yield {
                "ranker": each["ranker"],
                "measure": measure["measure"],
                "correlation": measure["correlation"],
                "low": measure["correlation_low"],
                "high": measure["correlation_high"],
                "misordered": measure["misordered"],
            }


def _levels(document: Document) -> Iterator[dict[str, Any]]:
    for each in document["delta"]:
        for level in each["levels"]:
            yield {
                "ranker": each["ranker"],
                "of": each["recall"],
                "keep": each["keep"],
                "recall": level["recall"],
                "queries": level["queries"],
                "relative": level["relative"],
                "low": level["low"],
                "high": level["high"],
            }


def _choices(documents: Sequence[Document]) -> Iterator[str]:
    for document in documents:
        for each in document["delta"]:
            head = f"{each['ranker']}, by {each['recall']}: "
            if each["delta"] is None:
                yield head + (each["note"] or "no δ can be told from these trials") + "."
            else:
                ends = ""
                if each["low"] is not None and each["high"] is not None:
                    ends = f" (95 %: {each['low']:.2f} to {each['high']:.2f})"
                yield (
                    f"{head}quality falls under {each['keep']:.0%} of exact below a recall of "
                    f"{each['delta']:.2f}{ends}."
                )


def _rankers(documents: Sequence[Document]) -> Table:
    columns = [
        Column("ranker", number=False),
        Column("nDCG@10 with exact candidates"),
        Column("lost by the model", "Against a perfect list"),
        Column("beats popularity", "Is its nDCG@10 above that of the order by popularity?"),
    ]
    rows = []
    for document in documents:
        for each in document["rankers"]:
            of = each["measures"][_LEADING]
            beats = each["beats_popularity"]
            rows.append(
                Row(
                    [
                        Cell(each["ranker"]),
                        _interval(of["exact"]),
                        _interval(of["model_loss"]),
                        Cell("–" if beats is None else "yes" if beats else "no"),
                    ]
                )
            )
    return Table(
        "rankers", "The rankers", "Small figures: 95 % intervals over queries.", columns, rows
    )


def _interval(of: Mapping[str, float | None]) -> Cell:
    value, low, high = of["value"], of["low"], of["high"]
    if value is None:
        return Cell("–")
    note = "" if low is None or high is None else f"{digits(low)}–{digits(high)}"
    return Cell(digits(value), value, note)
