"""Section: which queries are hard, and what it takes to serve them."""

from __future__ import annotations

import polars as pl

from vbench.analysis.gather import Panel, Report
from vbench.analysis.hardness import LABELS
from vbench.analysis.tail import explain_panel, settings_of
from vbench.numbers import UNKNOWN, Unit, write
from vbench.render import frames
from vbench.render.page.charts import (
    AT_LEVEL,
    AT_TENTH,
    Drawing,
    Spec,
    dots,
    hover,
    lit,
    mark,
    name_band,
    nominal,
    number,
    share,
)
from vbench.render.page.parts import Cell, Chart, Choice, Column, Row, Section, Table, Words
from vbench.render.page.sections.advised import advice_table
from vbench.runs.settings import spell

_DRAWN = 2


def section(report: Report, draw: Drawing) -> Section | None:
    """Hardness against recall, and effort; None where there is neither."""
    parts: list[Chart | Table | Words] = []
    data: dict[str, pl.DataFrame] = {}
    hardness = [frame for p in report.panels if len(frame := frames.hardness(p))]
    if hardness:
        data["hardness"] = pl.concat(hardness)
        parts += _hardness(report, draw)
    efforts = [frame for p in report.panels if len(frame := frames.efforts(p))]
    if efforts:
        data["efforts"] = pl.concat(efforts)
        parts.append(
            Chart(
                "efforts",
                "Smallest sufficient setting",
                "The smallest setting of the sweep from which on a query reaches δ (rounded up to "
                "a tenth): pale for the narrowest, full for the widest, gray for queries that no "
                "setting here serves. Where most need little, one setting for all wastes much.",
                draw_efforts(draw, max(frame["id"].n_unique() for frame in efforts)),
            )
        )
        parts += [table for p in report.panels if (table := _gains(p)).rows]
    parts += filter(None, map(advice_table, report.panels))
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
    known = [told for p in report.panels if (told := explain_panel(p)).hardness]
    options = [
        (name, f"{_name_of(name)}: {known[0].harder(name)} is harder") for name in known[0].hardness
    ]
    drawn: list[Chart | Table | Words] = [
        Chart(
            f"hardness-{number}",
            "Recall by hardness" if number == 1 else "… and by another measure",
            "Queries ordered by a measure of hardness and cut into ten equal parts: mean recall "
            "of each part. A line that falls at one end shows whom the index misses.",
            draw_hardness(draw, name),
            (Choice("measure", "Hardness", options, name),),
            half=True,
        )
        for number, (name, _) in enumerate(options[:_DRAWN], start=1)
    ]
    return [*drawn, *(_telling(panel) for panel in report.panels if panel.hardness is not None)]


def _name_of(measure: str) -> str:
    """A measure of hardness, as short as heads and lists of choices need it."""
    return LABELS.get(measure, measure).partition(":")[0]


def _telling(panel: Panel) -> Table:
    """AUC and ρ of each hardness measure with each index."""
    told = explain_panel(panel)
    columns = [
        Column("index", number=False),
        *(Column(_name_of(name), LABELS.get(name, "")) for name in told.hardness),
    ]
    rows = []
    for shown, index in zip(settings_of(panel), told.indexes, strict=True):
        found = {each.measure: each for each in index.hardness}
        cells = [Cell(str(shown.variant))]
        for name in told.hardness:
            if name not in found:  # of another index's graph
                cells.append(Cell(UNKNOWN))
                continue
            rho, auc = found[name].spearman, found[name].auc
            cells.append(
                Cell(
                    write(auc, "score"),
                    auc,
                    "" if rho is None else f"ρ {write(rho, 'score')}",
                )
            )
        rows.append(Row(cells, pick=shown.id, index=shown.title))
    return Table(
        f"telling-{panel.id}",
        f"How well hardness tells the tail: {panel.name}",
        f"Probability that a query of the tail, under {told.delta:g} in most builds, has a larger "
        "value than another (AUC: 0.5 tells nothing, 1 or 0 everything); small figures: "
        "Spearman's ρ with recall.",
        columns,
        rows,
        panel=panel.id,
    )


def _gains(panel: Panel) -> Table:
    """What a perfect choice of setting for each query would save."""
    rows = []
    told = explain_panel(panel)
    for shown, index in zip(settings_of(panel), told.indexes, strict=True):
        if index.effort is None or (gain := index.effort.gain) is None:
            continue
        unit: Unit = "seconds" if gain.cost == "latency" else "count"
        single = dict.fromkeys(map(spell, gain.one_setting))
        rows.append(
            Row(
                [
                    Cell(str(shown.variant)),
                    Cell(" or ".join(single) or "–"),
                    Cell(write(gain.served, "share"), gain.served),
                    Cell(write(gain.one, unit), gain.one),
                    Cell(write(gain.each, unit), gain.each),
                    Cell(
                        f"{write(gain.factor, 'number')} ×",
                        gain.factor,
                        "" if gain.spread is None else f"± {gain.spread:.2f}",
                    ),
                ],
                pick=shown.id,
                index=shown.title,
            )
        )
    return Table(
        f"gains-{panel.id}",
        f"The gain of a perfect setting for each query (oracle): {panel.name}",
        f"To reach δ = {told.delta:g} for the same queries: the cheapest single setting for all, "
        "against the smallest sufficient setting of each (oracle); means over builds. The bound "
        "of adaptive search.",
        [
            Column("index", number=False),
            Column("one setting for all", "That of each build", number=False),
            Column("served", "Share of the queries that reach δ"),
            Column("its mean cost", "Mean latency of a query, or distance computations"),
            Column("oracle per-query setting", "Mean cost with the smallest sufficient setting"),
            Column("gain"),
        ],
        rows,
        panel=panel.id,
    )


def draw_hardness(draw: Drawing, measure: str) -> Spec:
    """Mean recall of each tenth of the queries, ordered by a hardness measure."""
    x = number(
        "tenth",
        type="ordinal",
        title="tenths of the queries, from the smallest value to the largest",
        axis={"labelAngle": 0},
    )
    place = {
        "x": x,
        "y": share("mean_recall", "mean recall", whole=False, padding=8),
        "color": draw.color,
        "detail": {"field": "id"},
        "opacity": lit(),
    }
    line = mark("line", {**place, "strokeDash": draw.dash}, strokeWidth=2)
    point = dots(
        {
            **place,
            "shape": draw.shape,
            "tooltip": hover(
                nominal("measure"),
                number("from", format=".4~r"),
                number("to", format=".4~r"),
                number("mean_recall", title="mean recall of these queries", format=".4f"),
            ),
        },
        60,
    )
    return draw.chart(
        "hardness",
        [{"filter": "datum.measure === measure"}, *AT_LEVEL],
        [line, point],
        height=260,
        parameters={"measure": measure},
    )


def draw_efforts(draw: Drawing, rows: int) -> Spec:
    """For each sweep the shares of the queries by their smallest sufficient setting."""
    bar = mark(
        "bar",
        {
            "y": {**name_band(), "field": "family"},
            "x": number(
                "share",
                title="share of the queries",
                stack="zero",
                axis={"format": ".0%", "tickCount": 6},
                scale={"domain": [0, 1], "nice": False},
            ),
            "order": {"field": "step", "type": "quantitative"},
            "color": {
                "condition": {**draw.color, "test": "datum.served === 1"},
                "value": "#88888855",
            },
            "opacity": {"field": "strength", "type": "quantitative", "scale": None, "legend": None},
            "tooltip": [
                nominal("family", title="index"),
                nominal("needs", title="smallest sufficient setting"),
                number("share", title="share of the queries", format=".2%"),
            ],
        },
        height=20,
        stroke="var(--card)",
        strokeWidth=1,
    )
    text = {
        "mark": {"type": "text", "fontSize": 10, "aria": False},
        "encoding": {
            "y": {**name_band(), "field": "family"},
            "x": number("share", stack="zero", bandPosition=0.5),
            "order": {"field": "step", "type": "quantitative"},
            "text": nominal("needs"),
            "opacity": {"condition": {"test": _HAS_ROOM, "value": 0.9}, "value": 0},
        },
    }
    strength = "datum.served ? 0.25 + 0.7 * datum.step / max(1, datum.steps - 1) : 1"
    return draw.chart(
        "efforts",
        [
            AT_TENTH,
            {"filter": "datum.share > 0"},
            {"calculate": "datum.served ? datum.smallest : 'none here'", "as": "needs"},
            {"calculate": f"({strength}) * ({_LIT_FAMILY})", "as": "strength"},
        ],
        [bar, text],
        height=draw.height_of(rows),
    )


_LIT_FAMILY = "pick === '' || pick === datum.index || pick === datum.id ? 1 : 0.25"
_HAS_ROOM = "datum.share * width > 7 * length(datum.needs)"
