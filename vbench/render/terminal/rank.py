"""The tables of a ranking, for a person at a terminal."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from rich.console import Console
from rich.table import Table

from vbench._document import Interval
from vbench.analysis.predict import FEWEST_SETTINGS
from vbench.analysis.ranking import HIT, LEADING, RankedSetting, RankerRow, RankingLoss
from vbench.measures import usual
from vbench.numbers import (
    UNKNOWN,
    count,
    write,
    write_difference,
    write_difference_ends,
    write_interval,
)
from vbench.render.terminal.output import console, print_table
from vbench.render.terminal.tables import (
    head_of,
    lead_with,
    make_table,
    parameter_names,
    print_warnings,
)
from vbench.runs.settings import join_values
from vbench.runs.views import label_view

_SHOWN_MEASURES = 6


def print_ranking(ranking: RankingLoss) -> None:
    """Print what the model and the index lose, where, and which measure predicts it."""
    out = console()
    exact, view = ranking.exact, ranking.view
    where = "" if view is None else f" {label_view(view.filter, view.mask, view.step)}"
    popular = (
        "" if exact.popular is None else f", the {ranking.k} most popular hold {exact.popular:.1%}"
    )
    out.print(
        lead_with(
            ranking.dataset.name,
            f"{where}: {ranking.judged:,} judged queries, {ranking.relevant:,} relevant items; "
            f"exact search finds {exact.found:.1%} of them among {ranking.k} candidates{popular}, "
            f"chance {exact.chance:.2%}",
        )
    )
    print_table(out, _models(ranking), 1)
    _print_gains(out, ranking)
    for each in ranking.rankers:
        rows = [
            # With the values of all settings that answer alike.
            msgspec.structs.replace(row, setting=join_values([row.setting, *row.same]))
            for row in ranking.settings
            if row.ranker == each.ranker
        ]
        heads = 1 + len(parameter_names(rows))
        print_table(out, _losses(each, rows, ranking), heads)
        print_table(out, _where(each.ranker, rows), heads)
    _print_predictors(out, ranking)
    _print_levels(out, ranking)
    _print_deltas(out, ranking)
    print_warnings(out, ranking.warnings)
    for run in ranking.runs:
        out.print(f"kept in: {run}/{ranking.kept}", soft_wrap=True)
    out.print(
        "next: --json gives every number, --figures FOLDER draws them, --export FOLDER hands the "
        "candidates to a ranker elsewhere",
        style="dim",
    )


def _models(ranking: RankingLoss) -> Table:
    names = list(ranking.rankers[0].measures)
    table = make_table(
        "Losses of the model: exact candidates, ranked (95 % interval over queries)",
        *("ranker", *names, f"lost of {LEADING}", "above popularity", "Kendall τ"),
    )
    for row in ranking.rankers:
        exact = {name: each.exact for name, each in row.measures.items()}
        above = row.above_popularity
        below = " below popularity" if row.beats_popularity is False else ""
        table.add_row(
            row.ranker,
            *(
                write_interval(exact[name], "score")
                if name == LEADING
                else write(exact[name].value, "score")
                for name in names
            ),
            write(row.leading.model_loss.value, "score"),
            UNKNOWN if above is None else _lost(above) + below,
            write(row.kendall, "score"),
        )
    table.caption = "Kendall τ: order of retrieval against the order of the ranker."
    for row in ranking.rankers:
        if row.reranked is not None and row.rerank_gain is not None:
            table.caption += (
                f" A list-wise stage behind {row.ranker}: {LEADING} "
                f"{write_interval(row.reranked.exact, 'score')}, {_lost(row.rerank_gain)} on it."
            )
    return table


def _print_gains(out: Console, ranking: RankingLoss) -> None:
    """What trained rankers have over others, by the first column of segments."""
    rows = [(row, gain) for row in ranking.rankers for gain in row.gains if row.facts]
    if not rows:
        return
    first = next((each.column for _, gain in rows for each in gain.segments), None)
    groups = [each.group for each in rows[0][1].segments if each.column == first]
    has_teacher = any(gain.of_teacher is not None for _, gain in rows)
    table = make_table(
        f"Gains in {LEADING}, exact candidates, paired (95 % interval over queries and seeds)",
        *("ranker", "over", "gain", *(f"{first} {group}" for group in groups)),
        *(["of the teacher's"] if has_teacher else []),
        text=("over",),
    )
    for row, gain in rows:
        own = [each.gain for each in gain.segments if each.column == first]
        share = UNKNOWN if gain.of_teacher is None else write_interval(gain.of_teacher, "share")
        table.add_row(
            row.ranker,
            gain.over,
            _lost(gain.gain),
            *(_marked(each) for each in own),
            *([share] if has_teacher else []),
        )
    said = [
        f"{row.ranker}: "
        + ", ".join(
            f"{value:,.0f} {name}" if name == "parameters" else f"{name} {value:.2f}"
            for name, value in row.facts.items()
        )
        for row in ranking.rankers
        if row.facts
    ]
    table.caption = f"* the 95 % interval excludes 0. {'; '.join(said)}."
    print_table(out, table, 1)


def _losses(ranker: RankerRow, rows: Sequence[RankedSetting], ranking: RankingLoss) -> Table:
    names = parameter_names(rows)
    table = make_table(
        f"Losses of the index behind {ranker.ranker}: {ranking.k} candidates, top "
        f"{ranking.cutoff}, exact − trial, paired (95 % interval over queries and builds)",
        *("index", *names, "recall", *(f"top {depth}" for depth in rows[0].survival)),
        *(LEADING, "lost by the model"),
        *("lost by the index", "relative loss", f"{HIT} loss", "worst 5 %", "τ"),
        *(["lost, re-ranked"] if ranker.reranked else []),
    )
    for row in rows:
        table.add_row(
            *head_of(row, names),
            write(row.recall, "score"),
            *(write(share, "score") for share in row.survival.values()),
            write(row.leading.value.value, "score"),
            write(ranker.leading.model_loss.value, "score"),
            _lost(row.leading.index_loss),
            write(row.leading.relative_loss, "share"),
            write_difference(row.measures[HIT].index_loss.value, "score"),
            write_difference(row.worst.index_loss.value, "score"),
            write(row.kendall, "score"),
            *([_lost(row.reranked.index_loss)] if row.reranked else []),
        )
    table.caption = (
        "top: survival, the share of so many exact neighbors among the candidates. relative loss: "
        "share of what exact candidates reach. worst 5 %: the queries with the lowest recall."
    )
    return table


def _where(ranker: str, rows: Sequence[RankedSetting]) -> Table:
    """Loss by bucket of recall and by segment, over all settings with their weights."""
    names = parameter_names(rows)
    first = next((each.column for each in rows[0].segments), None)
    shown = [each for each in rows[0].segments if each.column == first]
    table = make_table(
        f"Where the index loses, behind {ranker}: {LEADING}, exact − trial",
        *("index", *names),
        *(f"recall {each.recall}" for each in rows[0].buckets),
        *(f"{each.column} {each.group}" for each in shown),
    )
    for row in rows:
        segments = {(each.column, each.group): each for each in row.segments}
        own = [segments[each.column, each.group] for each in shown]
        groups = (*row.buckets, *own)
        table.add_row(*head_of(row, names), *(_marked(each.index_loss) for each in groups))
    table.caption = (
        "* the 95 % interval of this group excludes 0. All segments and all intervals: --json."
    )
    return table


def _print_predictors(out: Console, ranking: RankingLoss) -> None:
    for part in ranking.prediction:
        if part.settings < 2 or part.measures is None:
            continue
        table = make_table(
            f"Which measure predicts the loss behind {part.ranker}: {part.trials} trials of "
            f"{part.settings} settings, {count(part.pairs, 'pairs')} with clearly different "
            f"{part.quality}",
            *("measure", "rank correlation", "pairs misordered"),
            f"at matched recall ±{usual.MATCHED:g} (of {part.pairs_near})",
        )
        for place, row in enumerate(part.measures):
            if place < _SHOWN_MEASURES or row.measure == f"Recall@{ranking.k}":
                table.add_row(
                    row.measure,
                    write_interval(row.correlation, "score"),
                    write_interval(row.misordered, "share"),
                    write(row.misordered_near, "share"),
                )
        table.caption = f"{len(part.measures)} measures tried; all of them: --json."
        if part.settings < FEWEST_SETTINGS:
            table.caption += (
                f" {part.settings} settings order themselves well by chance; intervals come "
                f"from {FEWEST_SETTINGS} on."
            )
        print_table(out, table, 1)


def _print_levels(out: Console, ranking: RankingLoss) -> None:
    """Shares lost at each level, rankers by rising strength."""
    if len(ranking.rankers) < 2 or not ranking.levels:
        return
    strength = {row.ranker: row.leading.exact.value or 0.0 for row in ranking.rankers}
    names = sorted(strength, key=lambda name: strength[name])
    table = make_table(
        f"What the same misses cost: share of the exact {LEADING} lost, rankers by strength",
        *("measure of the index", "level", "trials"),
        *(f"{name} {write(strength[name], 'score')}" for name in names),
        "more per +0.01",
        text=("level",),
    )
    for level in ranking.levels:
        shares = {each.ranker: each.share for each in level.shares}
        table.add_row(
            level.measure,
            f"{level.low:g} – {level.high:g}",
            str(level.trials),
            *(write(shares[name].value, "share") for name in names),
            write_interval(level.slope, "share"),
        )
    table.caption = (
        f"more per +0.01: how much more a ranker loses whose {LEADING} with exact candidates is "
        "higher by 0.01 (95 % interval over queries)."
    )
    print_table(out, table, 1)


def _print_deltas(out: Console, ranking: RankingLoss) -> None:
    table = make_table(
        f"Choosing δ: the recall under which a query keeps less than 90 % of its {LEADING}",
        *("ranker", "recall", "δ", "note"),
        text=("recall", "note"),
    )
    for row in ranking.delta:
        table.add_row(row.ranker, row.recall, write_interval(row.delta, "score"), row.note)
        first = next((each.column for each in row.segments), None)
        for each in row.segments:
            if each.column == first:
                where = f"{row.recall}, {each.column} {each.group}"
                table.add_row("", where, write_interval(each.delta, "score"), each.note)
    print_table(out, table, 2)


def _lost(of: Interval) -> str:
    """A loss with its interval."""
    ends = write_difference_ends(of, "score")
    return f"{write_difference(of.value, 'score')} {ends}".rstrip()


def _marked(of: Interval) -> str:
    clear = of.low is not None and of.high is not None and (of.low > 0 or of.high < 0)
    return write_difference(of.value, "score") + ("*" if clear else "")
