"""What `vbench data audit` prints: the findings, the worst first, and what to try."""

from __future__ import annotations

from rich.text import Text

from vbench import numbers
from vbench.analysis.audit import DataAudit
from vbench.render.terminal.output import console, print_table, say
from vbench.render.terminal.tables import make_table

_STYLES = {"good": "green", "watch": "yellow", "bad": "bold red"}


def print_audit(found: DataAudit) -> None:
    """A row for each finding; below it why it matters, and a command, for what is not good."""
    out = console()
    out.print(
        f"{found.dataset}: {found.n:,} base vectors × {found.d}, {found.m:,} queries, "
        f"{found.metric}",
        style="bold",
        markup=False,
    )
    table = make_table("", "finding", "value", "verdict", "bad from", text=("finding", "verdict"))
    for each in found.findings:
        table.add_row(
            each.title,
            numbers.write(each.value, each.unit),
            Text(each.verdict, style=_STYLES[each.verdict]),
            numbers.write(each.bad, each.unit),
        )
    print_table(out, table)
    worse = [each for each in found.findings if each.verdict != "good"]
    for each in worse:
        say(f"! {each.title}: {each.why}.")
    for advice in dict.fromkeys(each.advice for each in worse):
        say(f"try: {advice}")
    if not worse:
        say("nothing that is known to make indexes fail")
