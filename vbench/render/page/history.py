"""The page of `vbench history`: measures over runs, and where they changed."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from vbench.analysis.gather import Report
from vbench.analysis.history import History, Point, Series, say_first
from vbench.measures.grammar import parse
from vbench.numbers import UNKNOWN, count, write, write_difference, write_ends, write_p
from vbench.render.page.charts import Drawing, Spec, hover_ends, nominal, number
from vbench.render.page.page import Verdict, fill, store
from vbench.render.page.parts import Cell, Chart, Column, Facts, Row, Section, Table

NAME = "history.html"
_CHARTS = 12
"""Series that are drawn; tables have all."""


def write_page(history: History, path: str | Path) -> Path:
    """Write a history as one self-contained page.

    Raises
    ------
    VbenchError
        The file cannot be written.
    """
    return store(Path(path), html(history))


def html(history: History) -> str:
    """A history as one page."""
    indexes = tuple(dict.fromkeys(each.index for each in history.series))
    report = Report((), (), indexes)
    draw = Drawing(report, 0.0)
    first, last = history.runs[0], history.runs[-1]
    sentences = [
        say_first(history),
        f"{count(len(history.runs), 'runs')} of {history.dataset.name}, from {first.name} "
        f"({_day(first.created)}) to {last.name} ({_day(last.created)}); where nothing changed, "
        f"some change is told with a probability of at most {1 - history.level:.0%}.",
    ]
    drawn = sorted(history.series, key=lambda each: not each.changes)[:_CHARTS]
    order = {each.name: at for at, each in enumerate(history.runs)}
    frames = {"history": _frame(history, drawn, order)}
    charts = [_chart(at, each, draw) for at, each in enumerate(drawn)]
    return fill(
        report,
        title=f"What changed on {history.dataset.name}?",
        verdicts=[Verdict(sentences, _changes(history))],
        sections=[
            Section(
                "history",
                "Run by run",
                "Means over builds with their intervals, the oldest run first. Dashed: from there "
                "on the measure is another one.",
                [*charts, *(_table(at, each) for at, each in enumerate(drawn))],
                frames,
            ),
            _method(history),
        ],
        failed=(),
        warnings=(),
    )


def _changes(history: History) -> Table | None:
    rows = [
        Row(
            [
                Cell(series.setting),
                Cell(series.measure),
                Cell(change.run),
                Cell(
                    write_difference(change.difference.value, series.unit),
                    change.difference.value,
                ),
                Cell(write_p(change.p), change.p),
                Cell("better" if change.better else "worse"),
                Cell("; ".join(map(str, change.changes)) or UNKNOWN),
            ],
            index=series.index,
        )
        for series in history.series
        for change in series.changes
    ]
    columns = [
        Column("setting", number=False),
        Column("measure", number=False),
        Column("from", number=False),
        Column("difference", "After less before"),
        Column("p", "Adjusted for all places in all series"),
        Column("", number=False),
        Column("what else changed there", number=False),
    ]
    return Table("changes", "Changes", "", columns, rows) if rows else None


def _frame(history: History, drawn: list[Series], order: dict[str, int]) -> pl.DataFrame:
    rows = [
        {
            "series": at,
            "index": each.index,
            "place": order[point.run],
            "run": point.run,
            "value": point.value,
            "low": point.low,
            "high": point.high,
            "change": int(point.run in {change.run for change in each.changes}),
        }
        for at, each in enumerate(drawn)
        for point in each.points
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def _chart(at: int, series: Series, draw: Drawing) -> Chart:
    return Chart(
        f"series-{at}",
        f"{series.setting}, {series.measure}",
        series.verdict,
        _draw(at, series, draw),
        half=True,
    )


def _draw(at: int, series: Series, draw: Drawing) -> Spec:
    share = series.unit == "share"
    factor, unit = {"seconds": (1e3, " in ms"), "bytes": (1e-6, " in MB")}.get(
        series.unit, (1.0, "")
    )
    form = "~%" if share else "~r"
    x = nominal(
        "run",
        title=None,
        sort={"field": "place", "op": "min"},
        axis={"labelAngle": -45, "labelLimit": 110, "labelOverlap": True},
    )

    def up(field: str) -> Spec:
        return number(
            field,
            title=f"{parse(series.measure).label}{unit}",
            scale={"zero": False, "nice": True},
            axis={"format": form, "tickCount": 6},
        )

    mark = {"color": draw.color}
    layers: list[Spec] = [
        {
            "transform": [{"filter": "datum.change === 1"}],
            "mark": {"type": "rule", "strokeDash": [5, 4], "stroke": "currentColor"},
            "encoding": {"x": x},
        },
        {"mark": {"type": "line", "opacity": 0.5}, "encoding": {"x": x, "y": up("value"), **mark}},
        {
            "mark": {"type": "rule", "strokeWidth": 2, "opacity": 0.6},
            "encoding": {"x": x, "y": up("low"), "y2": {"field": "high"}, **mark},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 70},
            "encoding": {
                "x": x,
                "y": up("value"),
                **mark,
                "shape": draw.shape,
                "tooltip": [
                    nominal("run"),
                    number("value", title="value", format=".4~r"),
                    *hover_ends(".4~r"),
                ],
            },
        },
    ]
    transform: list[Spec] = [{"filter": f"datum.series === {at}"}]
    transform += [
        {"calculate": f"isValid(datum.{name}) ? datum.{name} * {factor} : null", "as": name}
        for name in ("value", "low", "high")
    ]
    return draw.plain("history", transform, layers, height=220)


def _table(at: int, series: Series) -> Table:
    columns = [
        Column("run", number=False),
        Column("began", number=False),
        Column(series.measure, "Mean over builds with its interval"),
        Column("builds"),
        Column("beside the answers", number=False),
    ]
    changes = {change.run for change in series.changes}
    rows = [_row(point, series, is_change=point.run in changes) for point in series.points]
    return Table(f"points-{at}", f"{series.setting}, {series.measure}", "", columns, rows)


def _row(point: Point, series: Series, *, is_change: bool) -> Row:
    what = "; ".join(map(str, point.changes))
    same = "identical answers" if point.identical else ""
    return Row(
        [
            Cell(point.run, note="changed here" if is_change else ""),
            Cell(_day(point.created)),
            Cell(write(point.value, series.unit), point.value, write_ends(point, series.unit)),
            Cell(f"{point.builds}", point.builds),
            Cell("; ".join(filter(None, [same, what])) or UNKNOWN),
        ]
    )


def _method(history: History) -> Section:
    facts = [(each.name, f"{each.path}, begun {each.created}") for each in history.runs]
    facts += [("left out", each) for each in history.left_out]
    return Section("method", "Which runs?", "", [Facts("Runs", facts)])


def _day(created: str) -> str:
    return created[:10]
