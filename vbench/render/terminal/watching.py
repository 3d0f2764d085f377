"""What a watch saw, for a person at a terminal."""

from __future__ import annotations

from vbench.analysis.watching import Watch
from vbench.measures.targets import parse_targets
from vbench.numbers import write, write_interval
from vbench.render.terminal.output import console, print_table
from vbench.render.terminal.tables import make_table, style_text

_STYLES = {"holds": "green", "broken": "red"}


def print_watch(found: Watch) -> None:
    """Print what was watched at what load, the changes that were seen, and the verdict."""
    out = console()
    (target,) = parse_targets(found.promise)
    unit = target.measure.unit
    where = " ".join([f"in {found.place}"] if found.place else [])
    under = [f"filter {found.filter}"] if found.filter else []
    under += [" and ".join(found.where)] if found.where else []
    table = make_table(
        f"{found.index} {where}".strip()
        + f" on {found.dataset}"
        + (f", {', '.join(under)}" if under else ""),
        *("from", "shadow searches", str(target.measure), "promised"),
        text=("from",),
    )
    for regime in found.regimes:
        table.add_row(
            f"number {regime.first:,}",
            f"{regime.n:,}",
            write_interval(regime.value, unit),
            write(found.promised, unit),
        )
    print_table(out, table)
    exact = "by the service" if found.truth == "service" else "here"
    out.print(
        f"{found.queries:,} queries seen; the index was asked for {found.searches:,} searches and "
        f"{found.exact_searches:,} exact ones; exact answers were found {exact}"
    )
    if found.outdated:
        out.print(
            f"{found.outdated:,} exact lists are not in the order of the vectors of "
            f"{found.dataset}: ids alone decided there"
        )
    if len(found.regimes) > 1:
        changes = ", ".join(f"{each.first:,}" for each in found.regimes[1:])
        out.print(f"it changed at about number {changes}")
    style = _STYLES.get(found.status, "yellow")
    out.print(style_text(found.verdict, style=f"bold {style}"))
