"""An audit of claims as cells that its tables share, and as a page of one file."""

from __future__ import annotations

from typing import NamedTuple

from markupsafe import Markup

from vbench._paths import resource_dir
from vbench.analysis.claims import Calibration, ClaimAudit, ClaimCost, ReliabilityBin
from vbench.measures.targets import parse_targets
from vbench.numbers import (
    Unit,
    write,
    write_difference,
    write_difference_ends,
    write_interval,
)
from vbench.render.page import page
from vbench.runs.settings import spell

COST_HEADS = ("measure", "queries that reach it", "CPU a query", "of the fixed")
_SIZE = 340
_RECALL: Unit = "score"


class _Tick(NamedTuple):
    at: float
    text: str


class _Dot(NamedTuple):
    x: float
    y: float
    low: float
    high: float


class _Chart(NamedTuple):
    ticks: list[_Tick]
    bins: list[_Dot]
    windows: list[_Dot]


def to_page(found: ClaimAudit) -> str:
    """The page of an audit as HTML."""
    calibration = found.calibration
    template = page.environment().get_template("claims.html")
    return template.render(
        audit=found,
        proposed=spell(found.proposed),
        facts=facts_of(found),
        bins=[bin_cells(each) for each in calibration.bins] if calibration else [],
        costs=[cost_cells(each, found) for each in found.costs],
        cost_heads=COST_HEADS,
        chart=_chart(calibration) if calibration else None,
        size=_SIZE,
        style=Markup((resource_dir("reports") / "page.css").read_text(encoding="utf-8")),
    ).lstrip()


def facts_of(found: ClaimAudit) -> list[tuple[str, str]]:
    """What is told of a claim, by its name."""
    (target,) = parse_targets(found.target)
    unit = target.measure.unit
    of_claim: Unit = _RECALL if found.calibration else unit
    difference = (
        f"{write_difference(found.deviation.value, of_claim)} "
        f"{write_difference_ends(found.deviation, of_claim)}"
    )
    rows = [
        ("proposed setting", spell(found.proposed)),
        (f"{found.measure} as claimed", write(found.claimed, of_claim)),
        (f"{found.measure} as it is", write_interval(found.true, of_claim)),
        ("claimed less true", difference.strip()),
    ]
    if found.measure != str(target.measure):
        rows.append((str(target.measure), write_interval(found.value, unit)))
    rows += [
        (f"{target.measure} surely reaches", write(found.bound, unit)),
        ("queries under the target", write_interval(found.under, "share")),
        ("how far, mean of all", write(found.shortfall, _RECALL)),
    ]
    if (told := found.calibration) is not None:
        rows += [
            ("estimate off by, in bins", write(told.error, _RECALL)),
            (
                "Brier score; of the mean alone",
                f"{write(told.brier, _RECALL)}; {write(told.brier_of_mean, _RECALL)}",
            ),
            (
                "a call off by; by chance alone",
                f"{write(told.window_error, _RECALL)}; {write(told.window_chance, _RECALL)}",
            ),
        ]
    return rows


def bin_cells(each: ReliabilityBin) -> list[str]:
    """A bin of estimates: its ends, queries, and means as claimed and as they are."""
    ends = [write(each.low, _RECALL), write(each.high, _RECALL)]
    return [
        " to ".join(dict.fromkeys(ends)),
        f"{each.n:,}",
        write(each.claimed, _RECALL),
        write_interval(each.true, _RECALL),
    ]


def cost_cells(each: ClaimCost, found: ClaimAudit) -> list[str]:
    """A way to meet the target, under `COST_HEADS`."""
    (target,) = parse_targets(found.target)
    fixed = next(one.seconds for one in found.costs if one.way == "fixed")
    way = {
        "claimed": "as it claims",
        "fixed": "one setting, certified" if each.certified else "one setting, not certified",
        "oracle": "oracle of each query",
    }[each.way]
    return [
        way,
        "" if each.setting is None else spell(each.setting),
        write(each.value, target.measure.unit),
        write(each.reached, "share"),
        write(each.seconds, "seconds"),
        write(each.seconds / fixed if fixed else None, "share"),
    ]


def _chart(found: Calibration) -> _Chart:
    inside = [
        *(each for one in found.bins for each in (one.claimed, one.true.low, one.true.high)),
        *(each for one in found.windows for each in (one.claimed, one.true)),
    ]
    known = [each for each in inside if each is not None]
    low, high = min(known), max(known)
    pad = 0.05 * (high - low) or 0.01
    low, high = max(0.0, low - pad), min(1.0, high + pad)

    def across(value: float) -> float:
        return _SIZE * (value - low) / (high - low)

    def dot(claimed: float, true: float, ends: tuple[float | None, float | None]) -> _Dot:
        return _Dot(
            across(claimed),
            _SIZE - across(true),
            *(_SIZE - across(true if end is None else end) for end in ends),
        )

    return _Chart(
        ticks=[
            _Tick(across(value), write(value, _RECALL))
            for value in (low + (high - low) * part / 4 for part in range(5))
        ],
        bins=[
            dot(each.claimed, each.true.value or 0.0, (each.true.low, each.true.high))
            for each in found.bins
        ],
        windows=[dot(each.claimed, each.true, (None, None)) for each in found.windows],
    )
