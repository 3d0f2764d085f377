"""Section: what the ranking stage makes of the index's misses, where it was evaluated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from vbench.analysis.gather import Report, name_runs
from vbench.analysis.ranking import LEADING, DeltaChoice, RankingLoss, read_ranking
from vbench.numbers import write_interval
from vbench.ranking.stage import DEPTHS
from vbench.render.page.charts import (
    Drawing,
    Spec,
    dots,
    hover_ends,
    lit,
    mark,
    measure_names,
    nominal,
    number,
    rule,
    single_rule,
)
from vbench.render.page.parts import (
    Cell,
    Chart,
    Choice,
    Column,
    Row,
    Section,
    Table,
    Words,
    number_cell,
)
from vbench.render.page.sections.strength import strength_tables
from vbench.runs.run import Run
from vbench.runs.schema import Warn
from vbench.runs.settings import join_values, spell


def section(report: Report, draw: Drawing) -> Section | None:
    """Losses of model and index, which measure predicts them, and the choice of δ."""
    found = [(run, read_ranking(run.path, run.view.key)) for run in report.runs]
    rankings = {run: ranking for run, ranking in found if ranking is not None}
    if not rankings:
        return None
    stored = list(rankings.values())
    losses = pl.DataFrame(
        [row for run, each in rankings.items() for row in _losses(each, _titles(report, run))]
    )
    # Predictors and δ are of one ranking each; losses of all stand in one picture.
    names = name_runs(tuple(rankings))
    of_run = {run: f" · {name}" if len(names) > 1 else "" for run, name in names.items()}
    predictors = pl.DataFrame(
        [row for run, each in rankings.items() for row in _predictors(each, of_run[run])]
    )
    levels = pl.DataFrame(
        [row for run, each in rankings.items() for row in _levels(each, of_run[run])]
    )
    choice = _choose(losses)
    parts: list[Chart | Table | Words] = [
        *(
            Words([line])
            for line in dict.fromkeys(_say(each) for of in stored for each in of.warnings)
        ),
        _rankers(rankings, of_run),
        *strength_tables(rankings, of_run),
        Chart(
            "ranking-loss",
            "Loss due to the index",
            f"Loss of {LEADING} against exact candidates under the same ranker, for every "
            "setting, with 95 % intervals. The loss of the model itself is not in it.",
            draw_losses(draw, choice.chosen),
            (choice, ACROSS),
        ),
    ]
    frames = {"ranking": losses}
    if not predictors.is_empty():
        frames["ranking_predictors"] = predictors
        choice = _choose(predictors)
        parts.append(
            Chart(
                "ranking-predictors",
                "Which measure of the index predicts the loss?",
                "Rank correlation of each measure with ranking quality over all trials: the "
                "nearer to 1, the better the measure orders indexes for the ranker downstream.",
                draw_predictors(draw, choice.chosen, predictors["measure"].n_unique()),
                (choice,),
                half=True,
            )
        )
    if not levels.is_empty():
        frames["ranking_delta"] = levels
        choice = _choose(levels)
        parts.append(
            Chart(
                "ranking-delta",
                "Choosing δ",
                "Ranking quality of a query relative to exact candidates, by its recall. Where "
                "the line crosses 90 % is the δ to ask an index for.",
                draw_delta(draw, choice.chosen),
                (choice,),
                half=True,
            )
        )
        parts.append(
            Words(
                [_chosen(one, of_run[run]) for run, each in rankings.items() for one in each.delta]
            )
        )
    return Section(
        "ranking",
        "Ranking quality lost",
        "Candidates go to a ranker, whose top 10 is judged. The loss of the model and the loss "
        "of the index are kept apart.",
        parts,
        frames,
    )


def _choose(rows: pl.DataFrame) -> Choice:
    """The list of the rankers that some rows are about, the first one chosen."""
    names = rows["ranker"].unique(maintain_order=True).to_list()
    return Choice("ranker", "Ranker", [(name, name) for name in names], names[0])


def _say(warning: Warn) -> str:
    return f"{warning.about[:1].upper()}{warning.about[1:]}: {warning.message}; {warning.why}."


def _titles(report: Report, run: Run) -> dict[str, str]:
    """What the report calls the indexes of a run."""
    return {each.index: each.title for each in report.settings if each.run is run}


def _losses(ranking: RankingLoss, titles: Mapping[str, str]) -> Iterator[Mapping[str, object]]:
    for each in ranking.settings:
        lost = each.leading.index_loss
        yield {
            "ranker": each.ranker,
            "index": titles.get(each.index, each.index),
            "setting": spell({**each.build, **join_values([each.setting, *each.same])}),
            "k": each.k,
            "recall": each.recall,
            **{f"top{depth}": each.survival.get(min(depth, each.k)) for depth in DEPTHS},
            "quality": each.leading.value.value,
            "loss": lost.value,
            "low": lost.low,
            "high": lost.high,
        }


def _predictors(ranking: RankingLoss, of_run: str) -> Iterator[Mapping[str, object]]:
    for each in ranking.prediction:
        for measure in each.measures or ():
            yield {
                "ranker": each.ranker + of_run,
                "measure": measure.measure,
                "correlation": measure.correlation.value,
                "low": measure.correlation.low,
                "high": measure.correlation.high,
                "misordered": measure.misordered.value,
            }


def _levels(ranking: RankingLoss, of_run: str) -> Iterator[Mapping[str, object]]:
    for each in ranking.delta:
        for level in each.levels:
            yield {
                "ranker": each.ranker + of_run,
                "of": each.recall,
                "keep": each.keep,
                "recall": level.recall,
                "queries": level.queries,
                "relative": level.relative.value,
                "low": level.relative.low,
                "high": level.relative.high,
            }


def _chosen(choice: DeltaChoice, of_run: str) -> str:
    head, delta = f"{choice.ranker}{of_run}, by {choice.recall}", choice.delta
    if delta.value is None:
        return f"{head}: {choice.note or 'these trials do not show a δ'}."
    return (
        f"{head}: quality falls under {100 * choice.keep:.0f} % of exact below a recall of "
        f"{write_interval(delta, 'score')}."
    )


def _rankers(rankings: Mapping[Run, RankingLoss], of_run: Mapping[Run, str]) -> Table:
    columns = [
        Column("ranker", number=False),
        Column(f"{LEADING} with exact candidates"),
        Column("lost by the model", "Against a perfect list"),
        Column("beats popularity", f"Is its {LEADING} above that of the order by popularity?"),
    ]
    rows = [
        Row(
            [
                Cell(each.ranker + of_run[run]),
                number_cell(each.leading.exact, "score"),
                number_cell(each.leading.model_loss, "score"),
                Cell({None: "–", True: "yes", False: "no"}[each.beats_popularity]),
            ]
        )
        for run, ranking in rankings.items()
        for each in ranking.rankers
    ]
    return Table(
        "rankers", "The rankers", "Small figures: 95 % intervals over queries.", columns, rows
    )


ACROSS = Choice(
    "across",
    "x axis",
    [
        ("recall", "mean recall"),
        *((f"top{depth}", f"survival of the exact top {depth}") for depth in reversed(DEPTHS)),
    ],
    "recall",
)
_RANKER = {"filter": "datum.ranker === ranker"}
_ROW = 18


def draw_losses(draw: Drawing, ranker: str) -> Spec:
    """Loss of the index against its recall or survival, one mark for each setting."""
    place = {
        "x": number(
            "px",
            title="mean recall, or survival",
            scale={"zero": False, "nice": False, "padding": 12},
            axis={"tickCount": 6},
        ),
        "color": draw.color,
        "opacity": lit(0.12, 0.9),
    }
    title = "nDCG@10 lost by the index"
    interval = mark(
        "rule", {**place, "y": number("low", title=title), "y2": {"field": "high"}}, strokeWidth=1.2
    )
    point = dots(
        {
            **place,
            "y": number("loss", title=title),
            "shape": draw.shape,
            "tooltip": [
                nominal("index"),
                nominal("setting", title="parameters"),
                number("loss", title=title, format="+.4~r"),
                number("recall", title="mean recall", format=".4f"),
                *(
                    number(f"top{depth}", title=f"survival of the top {depth}", format=".4f")
                    for depth in reversed(DEPTHS)
                ),
            ],
        },
        75,
    )
    zero = single_rule({"y": {"datum": 0}}, opacity=0.4)
    return draw.plain(
        "ranking",
        [_RANKER, {"calculate": "datum[across]", "as": "px"}],
        [zero, interval, point],
        height=320,
        parameters={"ranker": ranker, "across": ACROSS.chosen},
    )


def draw_predictors(draw: Drawing, ranker: str, measures: int) -> Spec:
    """Rank correlation of each measure of the index with ranking quality."""
    descending = {"field": "correlation", "order": "descending"}
    y = nominal("measure", title=None, sort=descending, axis=measure_names(110))
    x = {
        "title": "rank correlation",
        "scale": {"domain": [-1, 1], "nice": False, "clamp": True},
        "axis": {"values": [-1, -0.5, 0, 0.5, 1]},
    }
    interval = rule({"y": y, "x": number("low", **x), "x2": {"field": "high"}}, opacity=0.4)
    point = {
        "mark": {"type": "point", "filled": True, "size": 60, "color": "#5647FF"},
        "encoding": {
            "y": y,
            "x": number("correlation", **x),
            "tooltip": [
                nominal("measure"),
                number("correlation", title="rank correlation", format="+.3f"),
                number("misordered", title="pairs misordered", format=".1%"),
            ],
        },
    }
    return draw.plain(
        "ranking_predictors",
        [_RANKER, {"filter": "isValid(datum.correlation)"}],
        [interval, point],
        height=_ROW * max(measures, 3),
        parameters={"ranker": ranker},
    )


def draw_delta(draw: Drawing, ranker: str) -> Spec:
    """Quality relative to exact candidates by the recall of a query."""
    x = number("recall", title="recall of a query", scale={"domain": [0, 1], "nice": False})
    title = "quality relative to exact"
    dashes = nominal("of", title=None, legend={"orient": "top"})
    line = {
        "mark": {"type": "line", "point": {"color": "#5647FF"}, "color": "#5647FF"},
        "encoding": {
            "x": x,
            "y": number("relative", title=title, axis={"format": ".0%"}),
            "strokeDash": dashes,
            "tooltip": [
                nominal("of", title="recall"),
                number("recall", format=".3f"),
                number("queries", format=","),
                number("relative", title=title, format=".1%"),
                *hover_ends(".1%"),
            ],
        },
    }
    keep = rule(
        {"y": {"aggregate": "max", "field": "keep", "type": "quantitative"}},
        strokeDash=[4, 3],
        opacity=0.5,
    )
    return draw.plain(
        "ranking_delta", [_RANKER], [line, keep], height=300, parameters={"ranker": ranker}
    )
