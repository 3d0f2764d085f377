"""What asking again says of a certificate, for a person at a terminal."""

from __future__ import annotations

from vbench.analysis.certificate import Verification
from vbench.measures.targets import parse_targets
from vbench.numbers import write
from vbench.render.terminal.output import console, print_table
from vbench.render.terminal.tables import make_table, style_text
from vbench.runs.settings import spell

_STYLES = {"holds": "green", "broken": "red"}


def print_verification(found: Verification) -> None:
    """Print every claim, what has changed since, and the verdict."""
    out = console()
    table = make_table(
        f"{found.index} on {found.dataset}: the claims of {found.certificate}",
        *("setting", "view", "target", "bound then", "value now", "bound now", "verdict"),
    )
    for each in found.claims:
        (target,) = parse_targets(each.target)
        unit = target.measure.unit
        table.add_row(
            f"K={each.k} {spell(each.setting)}".strip(),
            each.view,
            each.target,
            *("none" if x is None else write(x, unit) for x in (each.was, each.value, each.bound)),
            style_text(each.status, style=_STYLES.get(each.status, "yellow")),
        )
    print_table(out, table)
    for change in found.changes:
        out.print(f"since then: {change}")
    style = _STYLES.get(found.status, "yellow")
    out.print(style_text(found.verdict, style=f"bold {style}"))
    out.print(f"run folder: {found.run}", soft_wrap=True)
