"""The page of `vbench tune`: which setting, for whom, at what cost, and how that is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from vbench._document import Interval
from vbench.analysis.answer import Answer, ServedGroup, say_answer, say_costs, say_ranking
from vbench.analysis.document import SettingRow
from vbench.analysis.gather import Report
from vbench.analysis.tuning import TargetResult, TriedSetting, Tuning, command_of
from vbench.measures.base import Measure
from vbench.measures.grammar import parse
from vbench.measures.targets import head_of, measure_named, parse_targets
from vbench.numbers import UNKNOWN, count, write
from vbench.render.page.charts import Drawing, Spec, nominal, number, single_rule
from vbench.render.page.page import Verdict, fill, store
from vbench.render.page.parts import (
    Cell,
    Chart,
    Column,
    Facts,
    Row,
    Section,
    Table,
    Words,
    number_cell,
)
from vbench.runs.settings import spell
from vbench.runs.views import WHOLE

NAME = "tune.html"
_GROUPS = 10
"""Segments that are shown: the page is to be printed."""


def write_page(tuning: Tuning, path: str | Path) -> Path:
    """Write what tuning found as one self-contained page.

    Raises
    ------
    VbenchError
        The file cannot be written.
    """
    return store(Path(path), html(tuning))


def html(tuning: Tuning) -> str:
    """What tuning found, as one page."""
    indexes = tuple(dict.fromkeys(row.index for row in (*tuning.tried, tuning.best)))
    report = Report((), (), indexes)
    draw = Drawing(report, 0.0)
    sections = [_targets(tuning), _served(tuning), _cost(tuning), _method(tuning)]
    return fill(
        report,
        title=title(tuning),
        verdicts=[Verdict([say_first(tuning), _say_evidence(tuning)], None)],
        sections=[*filter(None, sections), _tried(tuning, draw)],
        failed=tuning.failed,
        warnings=tuning.warnings,
        brief=True,
    )


def title(tuning: Tuning) -> str:
    """What the page is about."""
    return f"Which setting meets the target on {tuning.dataset.name}?"


def say_first(tuning: Tuning) -> str:
    """Which setting, for whom, at what cost; or why that cannot be said."""
    if not tuning.judged:
        return f"Which setting to use cannot be said: it {tuning.verdict}."
    if not tuning.met:
        reason = tuning.verdict.removeprefix("not met: ")
        return f"None of the settings that were tried can be recommended: {reason}."
    answer = tuning.answer
    said = "" if answer is None else say_answer(answer)
    if tuning.certified:
        return f"{said or tuning.verdict}."
    return f"No setting is certified yet. The best so far: {said or tuning.verdict}."


def _say_evidence(tuning: Tuning) -> str:
    return f"{tuning.verdict[:1].upper()}{tuning.verdict[1:]}."


def _targets(tuning: Tuning) -> Section:
    several = [view.name for view in tuning.views] != [WHOLE]
    columns = [
        Column("target", number=False),
        *([Column("view", number=False)] if several else []),
        Column("value", "Mean over builds, on the held-out queries"),
        Column("bound", f"One-sided, {tuning.level:.0%} confidence, of the worst build"),
        Column("builds", "The measure of each build", number=False),
        Column("verdict", number=False),
    ]
    rows = [
        Row(
            [
                Cell(each.target),
                *([Cell(each.view)] if several else []),
                _written(each.measure, each.held_out.value),
                _written(each.measure, each.held_out.bound, "none"),
                Cell(", ".join(_text(each.measure, one) for one in each.held_out.builds)),
                Cell(_certificate(each)),
            ]
        )
        for each in tuning.best.targets
    ]
    table = Table("targets", f"Targets at {_name(tuning.best)}", "", columns, rows)
    return Section(
        "targets",
        "Does it hold?",
        f"{tuning.queries.calibration:,} queries chose the setting; {tuning.queries.held_out:,} "
        "others, which were not looked at until then, certify it with a bound that each build must "
        "reach.",
        [table],
    )


def _certificate(target: TargetResult) -> str:
    if target.certified:
        return "certified"
    if not target.judged:
        return "cannot be judged here"
    more = target.more_queries
    return "not certified" + (f": {more:,} more queries needed" if more else "")


def _served(tuning: Tuning) -> Section | None:
    answer = tuning.answer
    if answer is None:
        return None
    parts: list[Table | Words] = [Words([f"{_served_text(answer)}."])]
    if answer.groups:
        shown = answer.groups[:_GROUPS]
        more = len(answer.groups) - len(shown)
        parts.append(
            Table(
                "groups",
                "By segment, the worst served first",
                "Small figures: 95 % intervals over queries and builds. Surely worse: than all "
                "queries together, all segments considered."
                + (f" {count(more, 'more segments')} are served better." if more else ""),
                [
                    Column("segment", number=False),
                    Column("queries"),
                    Column("served", f"Get at least {answer.needed} of {answer.k} right"),
                    Column("", number=False),
                ],
                [_group(each, answer) for each in shown],
            )
        )
    else:
        parts.append(Words(["The queries have no segments: --segments FILE tells who they are."]))
    return Section("served", "For whom?", "On the held-out queries.", parts)


def _served_text(answer: Answer) -> str:
    ranking = "" if answer.ranking is None else f"; {say_ranking(answer.ranking)}"
    low, high = answer.served.low, answer.served.high
    ends = "" if low is None or high is None else f" (95 % interval {_span(answer.served)})"
    return (
        f"{write(answer.served.value, 'share')}{ends} of {answer.queries:,} queries get at least "
        f"{answer.needed} of their {answer.k} nearest neighbors{ranking}"
    )


def _span(found: Interval) -> str:
    return f"{write(found.low, 'share')} to {write(found.high, 'share')}"


def _group(group: ServedGroup, answer: Answer) -> Row:
    overall = answer.served.value or 1.0
    value = group.served.value or 0.0
    return Row(
        [
            Cell(f"{group.column} {group.segment}"),
            Cell(f"{group.queries:,}", group.queries),
            Cell(
                number_cell(group.served, "share").text,
                value,
                number_cell(group.served, "share").note,
                shade=min(1.0, value / overall) if group.worse else None,
            ),
            Cell("surely worse" if group.worse else ""),
        ]
    )


def _cost(tuning: Tuning) -> Section | None:
    answer = tuning.answer
    if answer is None or not answer.costs:
        return None
    rows = [
        (parse(name).label, write(value, parse(name).unit)) for name, value in answer.costs.items()
    ]
    return Section(
        "cost",
        "At what cost?",
        f"{'; '.join(say_costs(answer)) or 'What was measured'}. On one machine and "
        "for a build as it was made here.",
        [Facts(_name(tuning.best), rows)],
    )


def _tried(tuning: Tuning, draw: Drawing) -> Section:
    names = list(tuning.tried[0].measures)
    columns = [
        Column("setting", number=False),
        *(
            Column(head_of(name), f"{name}: mean over builds; small: the bound of the worst build")
            for name in names
        ),
        Column("targets met", number=False),
        Column("passes", "Each build's bound meets the targets", number=False),
    ]
    table = Table(
        "tried",
        f"{len(tuning.tried)} settings, each on {count(tuning.builds, 'builds')}",
        "On the calibration half. The answer is the best of those that also passed on the other.",
        columns,
        [_tried_row(row, names) for row in tuning.tried],
    )
    parts: list[Chart | Table] = [table]
    frames: dict[str, pl.DataFrame] = {}
    if drawn := _chart(tuning, draw):
        chart, frames = drawn
        parts.insert(0, chart)
    return Section("tried", "What else was tried?", f"To {tuning.objective}.", parts, frames)


def _tried_row(row: TriedSetting, names: list[str]) -> Row:
    cells = []
    for name in names:
        found = row.measures[name]
        bound = "" if found.bound is None else _text(name, found.bound)
        cells.append(Cell(_text(name, found.value), found.value, bound))
    marks = [Cell("yes" if each else "") for each in (row.met, row.passes)]
    return Row([Cell(row.name), *cells, *marks], index=row.index, off=not row.passes)


def _chart(tuning: Tuning, draw: Drawing) -> tuple[Chart, dict[str, pl.DataFrame]] | None:
    """The first target of quality against the objective; None where a share is not asked for."""
    targets = parse_targets(" and ".join(tuning.targets))
    chosen = next((each for each in targets if each.measure.unit in ("share", "score")), None)
    objective = tuning.best.objective.measure
    if chosen is None or parse(objective).unit in ("share", "score"):
        return None
    rises = chosen.rises
    least = 0.5 / tuning.queries.calibration

    def missing(value: float | None) -> float | None:
        if value is None:
            return None
        return max(least, 1.0 - value if rises else value)

    rows = [
        {
            "index": row.index,
            "setting": row.name,
            "price": row.measures[objective].value,
            "missing": missing(row.measures[chosen.name].value),
            "bound": missing(row.measures[chosen.name].bound),
            "kind": "chosen"
            if _name(row) == _name(tuning.best)
            else "passes"
            if row.passes
            else "fails",
        }
        for row in tuning.tried
    ]
    frame = pl.DataFrame(rows, infer_schema_length=None).drop_nulls("price").drop_nulls("missing")
    if frame.is_empty():
        return None
    what = f"1 − {chosen.name}" if rises else chosen.name
    spec = _draw(draw, parse(objective), what, missing(chosen.value), least)
    caption = (
        f"{what} by {parse(objective).label}, both on logarithmic scales: lower and "
        "further left is better. Thin lines reach to the bound of the worst build, which must be "
        "under the dashed line, the target."
    )
    return Chart("against-cost", "What serving more queries costs", caption, spec), {"tried": frame}


def _draw(draw: Drawing, objective: Measure, what: str, target: float | None, least: float) -> Spec:
    factor, unit = {"seconds": (1e3, " in ms"), "bytes": (1e-6, " in MB")}.get(
        objective.unit, (1.0, "")
    )
    x = number(
        "shown",
        title=f"{objective.label}{unit}",
        scale={"type": "log", "nice": False, "padding": 24},
        axis={"format": "~r", "labelOverlap": True, "tickCount": 6},
    )

    def up(field: str) -> Spec:
        return number(
            field,
            title=what,
            scale={"type": "log", "nice": False, "padding": 12},
            axis={"format": "~%", "labelOverlap": True, "tickCount": 6},
        )

    point = {
        "mark": {"type": "point", "size": 90},
        "encoding": {
            "x": x,
            "y": up("missing"),
            "color": draw.color,
            "shape": draw.shape,
            "fill": {
                "condition": {"test": "datum.kind === 'fails'", "value": "transparent"},
                **draw.color,
            },
            "tooltip": [
                nominal("setting"),
                number("shown", title=f"{objective.label}{unit}", format=".4~r"),
                number("missing", title=what, format=".3%"),
                number("bound", title="bound of the worst build", format=".3%"),
                nominal("kind"),
            ],
        },
    }
    bound = {
        "mark": {"type": "rule", "opacity": 0.5},
        "encoding": {"x": x, "y": up("missing"), "y2": {"field": "bound"}, "color": draw.color},
    }
    name = {
        "transform": [{"filter": "datum.kind === 'chosen'"}],
        "mark": {"type": "text", "dx": 9, "align": "left", "fontWeight": "bold", "limit": 200},
        "encoding": {"x": x, "y": up("missing"), "text": nominal("setting")},
    }
    layers: list[Spec] = [bound, point, name]
    if target is not None:
        line = {"y": {"datum": max(target, least)}}
        layers.insert(0, single_rule(line, strokeDash=[5, 4], opacity=0.7))
    shown = {"calculate": f"datum.price * {factor}", "as": "shown"}
    return draw.plain("tried", [shown], layers, height=260)


def _method(tuning: Tuning) -> Section:
    data = tuning.dataset
    facts = [
        ("data", f"{data.name}: {data.n:,} base vectors × {data.d}, {data.metric}; {data.asked}"),
        ("targets", " and ".join(tuning.targets)),
        ("objective", tuning.objective),
        ("certificate", f"{tuning.level:.0%} confidence, in each of {tuning.builds} builds"),
        *_views(tuning),
        ("run folder", tuning.run),
        ("measure the setting", command_of(tuning)),
        ("do it again", tuning.again),
    ]
    facts += [(each.index, "; ".join(each.faults)) for each in tuning.indexes if each.faults]
    return Section("method", "How was it found?", "", [Facts("The search", facts)])


def _views(tuning: Tuning) -> Iterator[tuple[str, str]]:
    if [view.name for view in tuning.views] != [WHOLE]:
        yield "views", f"in each of: {', '.join(view.name for view in tuning.views)}"


def _name(row: SettingRow) -> str:
    space = f" ({row.space})" if row.space else ""
    return f"{row.index}{space} {spell({**row.build, **row.setting})}".strip()


def _text(name: str, value: float | None) -> str:
    return write(value, measure_named(name).unit)


def _written(name: str, value: float | None, otherwise: str = UNKNOWN) -> Cell:
    return Cell(otherwise if value is None else _text(name, value), value)
