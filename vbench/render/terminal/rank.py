"""The tables of a ranking, for a person at a terminal."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from vbench._document import Interval
from vbench.analysis.predict import FEWEST_SETTINGS
from vbench.analysis.ranking import HIT, LEADING, RankedSetting, RankerRow, RankingLoss
from vbench.measures import usual
from vbench.render.terminal.output import console, print_table
from vbench.render.terminal.tables import parameter_names, print_warnings
from vbench.render.terminal.terminal import headed
from vbench.runs import files
from vbench.runs.settings import join_values

_SHOWN_MEASURES = 6


def print_ranking(ranking: RankingLoss) -> None:
    """Print what the model and the index lose, where, and which measure predicts it."""
    out = console()
    exact = ranking.exact
    popular = (
        "" if exact.popular is None else f", the {ranking.k} most popular hold {exact.popular:.1%}"
    )
    out.print(
        headed(
            ranking.dataset.name,
            f": {ranking.judged:,} judged queries, {ranking.relevant:,} relevant items; exact "
            f"search finds {exact.found:.1%} of them among {ranking.k} candidates{popular}, chance "
            f"{exact.chance:.2%}",
        )
    )
    print_table(out, _models(ranking), 1)
    for each in ranking.rankers:
        rows = [row for row in ranking.settings if row.ranker == each.ranker]
        heads = 1 + len(parameter_names(rows))
        print_table(out, _losses(each, rows, ranking), heads)
        print_table(out, _where(each.ranker, rows), heads)
    _print_predictors(out, ranking)
    _print_deltas(out, ranking)
    if ranking.failed:
        out.print(
            headed(
                "!",
                f" {len(ranking.failed)} failed trials are not ranked; an index that fails where "
                "it is hard looks better than it is",
                "yellow",
            )
        )
    print_warnings(out, ranking.warnings)
    for run in ranking.runs:
        out.print(f"kept in: {run}/{files.RANK}")
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


def _models(ranking: RankingLoss) -> Table:
    table = _table("Losses of the model: exact candidates, ranked (95 % interval over queries)")
    table.add_column("ranker", no_wrap=True)
    names = list(ranking.rankers[0].measures)
    for name in (*names, f"lost of {LEADING}", "above popularity", "Kendall τ"):
        table.add_column(name, justify="right")
    for row in ranking.rankers:
        above = row.above_popularity
        below = " below popularity" if row.beats_popularity is False else ""
        table.add_row(
            row.ranker,
            *(
                _span(row.measures[name].exact)
                if name == LEADING
                else _number(row.measures[name].exact.value)
                for name in names
            ),
            _number(row.leading.model_loss.value),
            "–" if above is None else _span(above, "+.4f") + below,
            _number(row.kendall, ".2f"),
        )
    table.caption = "Kendall τ: order of retrieval against the order of the ranker."
    return table


def _losses(ranker: RankerRow, rows: Sequence[RankedSetting], ranking: RankingLoss) -> Table:
    names = parameter_names(rows)
    table = _settings_table(
        f"Losses of the index behind {ranker.ranker}: {ranking.k} candidates, top "
        f"{ranking.cutoff}, exact − trial, paired (95 % interval over queries and builds)",
        names,
        ("recall", "survival", LEADING, "lost by the model", "lost by the index"),
        ("relative loss", f"{HIT} loss", "worst 5 %", "τ"),
    )
    for row in rows:
        relative = row.leading.relative_loss
        table.add_row(
            *_head(row, names),
            _number(row.recall, ".3f"),
            _number(row.survival, ".3f"),
            _number(row.leading.value.value),
            _number(ranker.leading.model_loss.value),
            _span(row.leading.index_loss, "+.4f"),
            "–" if relative is None else f"{relative:+.1%}",
            _number(row.measures[HIT].index_loss.value, "+.4f"),
            _number(row.worst.index_loss.value, "+.4f"),
            _number(row.kendall, ".2f"),
        )
    table.caption = (
        "survival: share of the exact top 10 among the candidates. relative loss: share of what "
        "exact candidates reach. worst 5 %: the queries with the lowest recall."
    )
    return table


def _where(ranker: str, rows: Sequence[RankedSetting]) -> Table:
    """Loss by bucket of recall and by segment, over all settings with their weights."""
    names = parameter_names(rows)
    first = next((each.column for each in rows[0].segments), None)
    shown = [each for each in rows[0].segments if each.column == first]
    table = _settings_table(
        f"Where the index loses, behind {ranker}: {LEADING}, exact − trial",
        names,
        (f"recall {each.recall}" for each in rows[0].buckets),
        (f"{each.column} {each.group}" for each in shown),
    )
    for row in rows:
        segments = {(each.column, each.group): each for each in row.segments}
        own = [segments[each.column, each.group] for each in shown]
        table.add_row(
            *_head(row, names), *(_marked(each.index_loss) for each in (*row.buckets, *own))
        )
    table.caption = (
        "* the 95 % interval of this group excludes 0. All segments and all intervals: --json."
    )
    return table


def _settings_table(title: str, names: Sequence[str], *columns: Iterable[str]) -> Table:
    table = _table(title)
    table.add_column("index", no_wrap=True)
    for name in (*names, *itertools.chain(*columns)):
        table.add_column(name, justify="right")
    return table


def _head(row: RankedSetting, names: Sequence[str]) -> list[str]:
    given = {**row.build, **join_values([row.setting, *row.same])}
    space = f" ({row.space})" if row.space else ""
    return [row.index + space, *(str(given.get(name, "")) for name in names)]


def _print_predictors(out: Console, ranking: RankingLoss) -> None:
    for part in ranking.prediction:
        if part.settings < 2:
            continue
        table = _table(
            f"Which measure predicts the loss behind {part.ranker}: {part.trials} trials of "
            f"{part.settings} settings, {part.pairs} pairs with clearly different {part.quality}"
        )
        near = f"at matched recall ±{usual.MATCHED:g} (of {part.pairs_near})"
        for column in ("measure", "rank correlation", "pairs misordered", near):
            table.add_column(column, justify="left" if column == "measure" else "right")
        for place, row in enumerate(part.measures):
            if place < _SHOWN_MEASURES or row.measure == f"Recall@{ranking.k}":
                table.add_row(
                    row.measure,
                    _span(row.correlation, ".2f"),
                    _span(row.misordered, ".2f"),
                    _number(row.misordered_near, ".2f"),
                )
        table.caption = f"{len(part.measures)} measures tried; all of them: --json."
        if part.settings < FEWEST_SETTINGS:
            table.caption += (
                f" {part.settings} settings order themselves well by chance; intervals come "
                f"from {FEWEST_SETTINGS} on."
            )
        print_table(out, table, 1)


def _print_deltas(out: Console, ranking: RankingLoss) -> None:
    table = _table(
        f"Choosing δ: the recall under which a query keeps less than 90 % of its {LEADING}"
    )
    for column in ("ranker", "recall", "δ", "note"):
        table.add_column(column, justify="right" if column == "δ" else "left")
    for row in ranking.delta:
        table.add_row(row.ranker, row.recall, _span(row.delta, ".2f"), row.note)
    print_table(out, table, 2)


def _number(value: float | None, form: str = ".4f") -> str:
    return "–" if value is None else f"{value:{form}}"


def _span(of: Interval, form: str = ".4f") -> str:
    ends = "" if of.low is None else f" [{_number(of.low, form)}, {_number(of.high, form)}]"
    return _number(of.value, form) + (ends if of.value is not None else "")


def _marked(of: Interval) -> str:
    clear = of.low is not None and of.high is not None and (of.low > 0 or of.high < 0)
    return _number(of.value, "+.4f") + ("*" if clear else "")
