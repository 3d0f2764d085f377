"""Tables: what the same misses cost rankers of rising strength, and what each has over others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vbench.analysis.ranking import LEADING, RankingLoss
from vbench.numbers import write
from vbench.render.page.parts import Cell, Column, Row, Table, number_cell
from vbench.runs.run import Run


def strength_tables(
    rankings: Mapping[Run, RankingLoss], of_run: Mapping[Run, str]
) -> Iterator[Table]:
    """Of every ranking of several rankers: shares lost at each level; gains over others."""
    for place, (run, ranking) in enumerate(rankings.items()):
        suffix = f"-{place}" if place else ""
        if len(ranking.rankers) > 1 and ranking.levels:
            yield _levels(ranking, of_run[run], suffix)
        if any(row.gains for row in ranking.rankers):
            yield _gains(ranking, of_run[run], suffix)


def _levels(ranking: RankingLoss, of_run: str, suffix: str) -> Table:
    strength = {row.ranker: row.leading.exact.value or 0.0 for row in ranking.rankers}
    names = sorted(strength, key=lambda name: strength[name])
    columns = [
        Column("measure of the index", number=False),
        Column("level", number=False),
        Column("trials"),
        *(Column(f"{name} {write(strength[name], 'score')}") for name in names),
        Column("more per +0.01", f"For a ranker whose {LEADING} is higher by 0.01"),
    ]
    rows = []
    for level in ranking.levels:
        shares = {each.ranker: each.share for each in level.shares}
        rows.append(
            Row(
                [
                    Cell(level.measure),
                    Cell(f"{level.low:g} – {level.high:g}", level.low),
                    Cell(str(level.trials), level.trials),
                    *(number_cell(shares[name], "share") for name in names),
                    number_cell(level.slope, "share"),
                ]
            )
        )
    return Table(
        f"strength{suffix}",
        f"What the same misses cost{of_run}",
        f"Share of the {LEADING} of exact candidates that each ranker loses, over the trials of "
        "one level; rankers by rising strength. Small figures: 95 % intervals over queries.",
        columns,
        rows,
    )


def _gains(ranking: RankingLoss, of_run: str, suffix: str) -> Table:
    rows = [(row, gain) for row in ranking.rankers for gain in row.gains]
    first = next((each.column for _, gain in rows for each in gain.segments), None)
    groups = [each.group for each in rows[0][1].segments if each.column == first]
    columns = [
        Column("ranker", number=False),
        Column("over", number=False),
        Column("gain"),
        *(Column(f"{first} {group}") for group in groups),
        Column("of the teacher's", "Where it learned from one that is clearly better"),
    ]
    shown = [
        Row(
            [
                Cell(row.ranker),
                Cell(gain.over),
                number_cell(gain.gain, "score"),
                *(
                    number_cell(each.gain, "score")
                    for each in gain.segments
                    if each.column == first
                ),
                Cell("–") if gain.of_teacher is None else number_cell(gain.of_teacher, "share"),
            ]
        )
        for row, gain in rows
    ]
    return Table(
        f"gains{suffix}",
        f"Gains in {LEADING}{of_run}",
        "With exact candidates, paired by query. Small figures: 95 % intervals over queries and "
        "seeds.",
        columns,
        shown,
    )
