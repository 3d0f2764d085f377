"""What asking the claims of a certificate again says, as a table."""

from __future__ import annotations

from vbench.analysis.certificate import Verification
from vbench.measures.targets import parse_targets
from vbench.numbers import write
from vbench.render import plain_tables
from vbench.render.plain_tables import PlainTable
from vbench.runs.settings import spell

HEADS = ("setting", "view", "target", "bound then", "value now", "bound now", "verdict")


def table_of(found: Verification) -> PlainTable:
    """A row for each claim."""
    rows = []
    for each in found.claims:
        (target,) = parse_targets(each.target)
        unit = target.measure.unit
        rows.append(
            [
                f"K={each.k} {spell(each.setting)}".strip(),
                each.view,
                each.target,
                *(
                    "none" if x is None else write(x, unit)
                    for x in (each.was, each.value, each.bound)
                ),
                each.status,
            ]
        )
    title = f"{found.index} on {found.dataset}: the claims of {found.certificate}"
    return PlainTable(title, HEADS, rows, ("view", "target", "verdict"))


def to_page(found: Verification) -> str:
    """The page of a verification as HTML."""
    return plain_tables.to_page(
        f"{found.certificate}: {found.status}",
        [table_of(found)],
        verdict=found.verdict,
        notes=[f"since then: {each}" for each in found.changes],
    )
