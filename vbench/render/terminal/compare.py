"""The tables of a comparison, for a person at a terminal."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from vbench import numbers
from vbench.analysis.comparison import Compared, Comparison, Gate
from vbench.analysis.unlike import Change
from vbench.render.terminal.output import console, print_table
from vbench.render.terminal.tables import lead_with, make_table, print_warnings

_NAMED_QUERIES = 5
_STYLES = {"candidate": "green", "baseline": "red"}
_GATES = {0: ("passed", "green"), 1: ("FAILED", "bold red"), 3: ("undecided", "bold yellow")}
DETECTABLE = "min. detectable (80 % power)"


def print_comparison(comparison: Comparison) -> None:
    """Print each pair with its verdicts, the discordant queries, and the gate."""
    out = console()
    data = comparison.dataset
    clustered = f", clustered by {comparison.cluster}" if comparison.cluster else ""
    within = f" with {' and '.join(comparison.where)}" if comparison.where else ""
    out.print(
        lead_with(
            data.name,
            f": {comparison.asked}{within}, paired{clustered}; "
            f"{comparison.level:.0%} intervals, p adjusted by Holm",
        )
    )
    if comparison.changes:
        out.print(say_changes(comparison.changes))
    for rows in by_pair(comparison.comparisons):
        print_table(out, _table(rows))
        _print_discordant(out, rows)
        # Identical answers are said once, not of each measure.
        for verdict, better in dict.fromkeys((row.verdict, row.better) for row in rows):
            out.print(f"• {verdict}", style=_STYLES.get(better or "", "dim"))
        out.print()
    if comparison.gate:
        _print_gate(out, comparison.gate)
    for floor in comparison.floors:
        style = "yellow" if floor.reached is None else "green" if floor.reached else "bold red"
        out.print(f"floor: {floor.verdict}", style=style)
    print_warnings(out, comparison.warnings)


def say_changes(changes: Sequence[Change]) -> str:
    """What the sides were measured with and differ in, in one line."""
    return f"baseline → candidate: {'; '.join(map(str, changes))}"


def by_pair(rows: Sequence[Compared]) -> Iterator[list[Compared]]:
    """The comparisons of one pair of settings together."""
    for _, pair in itertools.groupby(rows, key=_pair_of):
        yield list(pair)


def _pair_of(row: Compared) -> tuple[object, ...]:
    return row.under, row.baseline, row.candidate, row.k


def say_pair(row: Compared) -> str:
    """How many builds a pair has, under which filter, and over how many masks of it."""
    said = f"({' and '.join(map(str, row.builds))} builds)"
    masks = f", over {row.masks} masks" if row.masks > 1 else ""
    return f"{said} {row.under}{masks}" if row.under else said


def cells_of(row: Compared) -> tuple[str, ...]:
    """Both values, the difference, its interval, p, and what could be detected."""
    return (
        numbers.write_interval(row.baseline_value, row.unit),
        numbers.write_interval(row.candidate_value, row.unit),
        numbers.write_difference(row.difference, row.unit),
        numbers.write_difference_ends(row.interval, row.unit) or numbers.UNKNOWN,
        numbers.write_p(row.p_holm),
        numbers.write_difference(row.minimum_detectable_difference, row.unit, signed=False),
    )


def _table(rows: Sequence[Compared]) -> Table:
    first = rows[0]
    table = make_table(
        f"{first.baseline} → {first.candidate} {say_pair(first)}",
        *("measure", "baseline", "candidate", "difference", "95 % interval", "p", DETECTABLE),
    )
    for row in rows:
        table.add_row(row.measure, *cells_of(row), style=_STYLES.get(row.better or "", ""))
    return table


def _print_discordant(out: Console, rows: Sequence[Compared]) -> None:
    if not any(row.discordant for row in rows):
        return
    examples = ("such as (baseline only)", "such as (candidate only)")
    table = make_table(
        "Discordant queries: served by one side only, in most of its builds",
        *("measure", "both", "neither", "baseline only", "candidate only"),
        *examples,
        text=examples,
    )
    for row in rows:
        if (found := row.discordant) is None:
            continue
        known = found.known_as
        counts = (found.both, found.neither, len(found.only_baseline), len(found.only_candidate))
        table.add_row(
            row.measure,
            *(f"{count:,}" for count in counts),
            *(
                ", ".join(map(str, queries[:_NAMED_QUERIES]))
                for queries in (known.only_baseline, known.only_candidate)
            ),
        )
    print_table(out, table)


def _print_gate(out: Console, gate: Gate) -> None:
    word, style = _GATES[gate.exit_code]
    out.print(f"gate: {word}, {gate.reason}", style=style)
    for line in (*gate.missing, *gate.failed):
        out.print(f"  {line}", style="red")
    for line in gate.unjudged:
        out.print(f"  {line}", style="yellow")
    for line in gate.blind:
        out.print(f"  but {line}: more builds or queries would see more", style="yellow")
