"""Section: which queries are hard, and what it takes to serve them."""

from __future__ import annotations

import math

import polars as pl

from vbench.analysis.gather import Panel, Report
from vbench.render import frames_hardness
from vbench.render.page import charts_hardness as charts
from vbench.render.page.charts import Drawing
from vbench.render.page.parts import Cell, Chart, Choice, Column, Row, Section, Table, Words
from vbench.render.quantities import BY_KEY, digits, percent, spelt

_DELTA = 0.9
_DRAWN = 2


def section(report: Report, draw: Drawing) -> Section | None:
    """Hardness against recall, and effort; None where there is neither."""
    parts: list[Chart | Table | Words] = []
    data: dict[str, pl.DataFrame] = {}
    hardness = [frame for p in report.panels if len(frame := frames_hardness.hardness(p))]
    if hardness:
        data["hardness"] = pl.concat(hardness)
        parts += _hardness(report, draw)
    efforts = [frame for p in report.panels if len(frame := frames_hardness.efforts(p))]
    if efforts:
        data["efforts"] = pl.concat(efforts)
        parts.append(
            Chart(
                "efforts",
                "What each query needs",
                "The smallest setting of the sweep from which on a query reaches δ (rounded up to "
                "a tenth): pale for the narrowest, full for the widest, gray for queries that no "
                "setting here serves. Where most need little, one setting for all wastes much.",
                charts.efforts(draw),
            )
        )
        parts += [table for p in report.panels if (table := _gains(p)).rows]
    if not parts:
        return None
    if report.panels and not hardness:
        parts.append(
            Words(
                [
                    "This run holds no hardness of its queries; vbench tail computes it, and the "
                    "report then shows which kind of query each index misses."
                ]
            )
        )
    return Section(
        "hardness",
        "What makes a query hard?",
        "Some queries can be told to be hard before any search, from their exact neighbors "
        "alone; and most queries need far less work than the hardest.",
        parts,
        data,
    )


def _hardness(report: Report, draw: Drawing) -> list[Chart | Table | Words]:
    best = next(names for p in report.panels if (names := frames_hardness.most_telling(p)))
    options = [(name, charts.WORDS.get(name, name)) for name in best]
    drawn: list[Chart | Table | Words] = [
        Chart(
            f"hardness-{number}",
            "Recall by hardness" if number == 1 else "… and by another measure",
            "Queries ordered by a measure of hardness and cut into ten equal parts: mean recall "
            "of each part. A line that falls at one end shows whom the index misses.",
            charts.against_recall(draw, name),
            (Choice("measure", "Hardness", options, name),),
            half=True,
        )
        for number, name in enumerate(best[:_DRAWN], start=1)
    ]
    return [*drawn, *(_telling(panel) for panel in report.panels if panel.hardness is not None)]


def _telling(panel: Panel) -> Table:
    """AUC and ρ of each hardness measure with each index."""
    found = {(each.index, each.measure): each for each in frames_hardness.telling(panel)}
    measures = frames_hardness.most_telling(panel)
    columns = [
        Column("index", number=False),
        *(Column(name.replace("_", " "), charts.WORDS.get(name, "")) for name in measures),
    ]
    rows = []
    for index in dict.fromkeys(each for each, _ in found):
        cells = [Cell(index)]
        for name in measures:
            each = found[index, name]
            known = not math.isnan(each.auc)
            cells.append(
                Cell(
                    f"{each.auc:.2f}" if known else "–",
                    each.auc if known else None,
                    "" if math.isnan(each.rho) else f"ρ {each.rho:+.2f}".replace("-", "−"),
                )
            )
        rows.append(Row(cells, index=index))
    return Table(
        f"telling-{panel.id}",
        f"How well hardness tells the tail: {panel.name}",
        "Probability that a query of the worst 5 % has a larger value than another (AUC: 0.5 "
        "tells nothing, 1 or 0 everything); small figures: Spearman's ρ with recall.",
        columns,
        rows,
        panel=panel.id,
    )


def _gains(panel: Panel) -> Table:
    """What a perfect choice of setting for each query would save."""
    rows = []
    for shown, saved in frames_hardness.gains(panel, _DELTA):
        unit = BY_KEY["p99_latency"].unit if saved.one < 1 else BY_KEY["work"].unit
        rows.append(
            Row(
                [
                    Cell(shown.title),
                    Cell(shown.label or "–"),
                    Cell(percent(saved.served), saved.served),
                    Cell(spelt(saved.one, unit), saved.one),
                    Cell(spelt(saved.each, unit), saved.each),
                    Cell(f"{digits(saved.factor, 2)} ×", saved.factor),
                ],
                pick=shown.id,
                index=shown.title,
            )
        )
    return Table(
        f"gains-{panel.id}",
        f"The gain of a perfect setting for each query: {panel.name}",
        f"To reach δ = {_DELTA:g} for the same queries (first build): the cheapest single setting "
        "for all, against the smallest sufficient setting of each. The bound of adaptive search.",
        [
            Column("index", number=False),
            Column("one setting for all", number=False),
            Column("served", "Share of the queries that reach δ"),
            Column("its mean cost", "Mean latency of a query, or distance computations"),
            Column("with a perfect choice"),
            Column("gain"),
        ],
        rows,
        panel=panel.id,
    )
