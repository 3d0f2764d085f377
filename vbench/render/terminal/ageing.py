"""The tables of a run whose base changes."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from vbench import numbers
from vbench._document import Interval
from vbench.analysis.ageing import LOST, AgedRow, AgeFacts, Ageing, HalfLife
from vbench.analysis.summary import find_extra
from vbench.measures.grammar import parse
from vbench.render.terminal.output import print_table
from vbench.render.terminal.tables import head_of, make_table, parameter_names

_SHOWN = (
    "Recall@{k}",
    "Robustness(delta=0.9)@{k}",
    "Failure@{k}",
    "QPS",
    "Work",
)


def print_ageing(out: Console, found: Ageing) -> None:
    """Print how evenly each setting answers at each age, and the half-lives."""
    ages = {each.step: each for each in found.ages}
    for k in sorted({row.k for row in found.settings}):
        rows = [row for row in found.settings if row.k == k]
        names = parameter_names(rows)
        print_table(out, _settings(found.title, rows, ages, k, names), 2 + len(names))
        half_lives = [row for row in found.half_lives if row.k == k]
        if half_lives:
            print_table(out, _half_lives(found.title, half_lives, k, names))


def _settings(
    title: str, rows: Sequence[AgedRow], ages: dict[int, AgeFacts], k: int, names: Sequence[str]
) -> Table:
    measures = [parse(name.format(k=k)) for name in _SHOWN]
    measures += [each for each in find_extra(rows[0].measures, k) if each not in measures]
    replaces = any(each.replaced for each in ages.values())
    grows = len({each.live for each in ages.values()}) > 1
    pays = any(row.rebuild_after is not None for row in rows)
    since = [*(["replaced"] if replaces else []), *(["vectors"] if grows or not replaces else [])]
    table = make_table(
        f"Workload {title}: recall of the top {k}; 95 % intervals over queries and builds",
        *("index", *names, *since, *(each.short for each in measures), "fallen", "recovered"),
        *("changes", *(["rebuild after"] if pays else [])),
    )
    table.caption = (
        "fallen: queries with recall ≥ 0.9 at the first search that have it no longer; recovered: "
        "that lost it between and have it again. changes: all since the build."
        + (" rebuild after: queries that pay for it, at equal mean recall." if pays else "")
    )
    for row in rows:
        age = ages[row.step]
        shown = [numbers.write(age.replaced_share, "share")] if replaces else []
        shown += [f"{age.live:,}"] if "vectors" in since else []
        cells = [
            _lines(row.measures[str(each)], each.unit) for each in measures
        ] + [_lines(each, "share") for each in (row.fallen, row.recovered)]  # fmt: skip
        cells.append("" if row.change_s is None else numbers.write(row.change_s.value, "seconds"))
        if pays:
            after = row.rebuild_after
            cells.append("" if after is None else f"{after:,.0f}")
        table.add_row(*head_of(row, names), *shown, *cells)
    return table


def _half_lives(title: str, rows: Sequence[HalfLife], k: int, names: Sequence[str]) -> Table:
    table = make_table(
        f"Half-life, {title}: share replaced until R-0.9 of the top {k} has lost {LOST:g}; over "
        "builds",
        *("index", *names, "half-life"),
    )
    for row in rows:
        if row.share.value is not None:
            shown = _lines(row.share, "share")
        else:
            most = numbers.write(row.at_most, "share")
            shown = f"over {most}" + (
                f" in {numbers.count(row.builds - row.lost, 'builds')}" if row.lost else ""
            )
        table.add_row(*head_of(row, names), shown)
    return table


def _lines(found: Interval | None, unit: numbers.Unit) -> str:
    if found is None:
        return ""
    return f"{numbers.write(found.value, unit)}\n{numbers.write_ends(found, unit)}".rstrip()
