"""What an index claims beside what it has, for a person at a terminal."""

from __future__ import annotations

from vbench.analysis.claims import ClaimAudit
from vbench.render.claims import COST_HEADS, bin_cells, cost_cells, facts_of
from vbench.render.terminal.output import console, print_table
from vbench.render.terminal.tables import make_table, style_text

_STYLES = {"holds": "green", "broken": "red"}


def print_claims(found: ClaimAudit) -> None:
    """Print what was claimed, how well estimates tell recall, what it costs, and the verdict."""
    out = console()
    table = make_table(
        f"{found.index} on {found.dataset}: {found.target}, "
        f"{found.queries.held_out:,} held-out queries",
        *("what", "value"),
    )
    for row in facts_of(found):
        table.add_row(*row)
    print_table(out, table)
    if found.calibration is not None:
        table = make_table(
            "Queries by what is estimated of them", "estimates", "queries", "claimed", "true"
        )
        for each in found.calibration.bins:
            table.add_row(*bin_cells(each))
        print_table(out, table)
    table = make_table("What it costs", "way", "setting", *COST_HEADS, text=("setting",))
    for cost in found.costs:
        table.add_row(*cost_cells(cost, found))
    print_table(out, table)
    style = _STYLES.get(found.status, "yellow")
    out.print(style_text(found.verdict, style=f"bold {style}"))
    out.print(f"run folder of the tuning: {found.run}", soft_wrap=True)
