"""What `vbench combine` found, as tables, charts and figures draw it."""

from __future__ import annotations

import functools

import polars as pl

from vbench.analysis.combine import Combination, Price, combination_of
from vbench.analysis.counting import Values
from vbench.analysis.fallback import Route
from vbench.analysis.gather import Panel
from vbench.numbers import Unit, write

ORDERS = {
    "random": "anybody",
    "learned": "whose answer looks bad",
    "oracle": "who gains most (oracle)",
}
"""Who is sent on first, in words."""
BUILD = "another build of it"


def names_of(found: Combination) -> dict[str, str]:
    """The measures by what their columns are called."""
    k, delta = found.k, found.delta
    return {
        "mean recall": f"Recall@{k}",
        f"R-{delta:g}": f"Robustness(delta={delta})@{k}",
        "worst 5 %": f"CVaR(alpha=0.05)@{k}",
        "zero-recall": f"Failure@{k}",
    }


def unit_of(name: str) -> Unit:
    """The unit of a measure in these tables."""
    return "share" if name.startswith(("Robustness", "Failure")) else "score"


def write_price(price: Price) -> str:
    """What a query costs: seconds, else distance computations."""
    if price.seconds is not None:
        return write(price.seconds, "seconds")
    return "–" if price.work is None else f"{write(price.work, 'count')} distances"


def values_at(route: Route, share: float) -> Values:
    """What a curve reaches at a share of the queries."""
    return next(point.measures for point in route.points if point.share == share)


def pairs_of(found: Combination) -> dict[str, list[Route]]:
    """The curves of each pair, by what the pair is called."""
    groups: dict[str, list[Route]] = {}
    for each in found.routes:
        groups.setdefault(f"{each.first} → {each.second}", []).append(each)
    return groups


@functools.lru_cache(maxsize=16)
def combination(panel: Panel) -> Combination | None:
    """What was found of the runs of a panel at its K; None where nobody asked."""
    for run in dict.fromkeys(shown.run for shown in panel.settings):
        found = combination_of(run)
        if found is not None and found.k == panel.k:
            return found
    return None


@functools.lru_cache(maxsize=16)
def curves(panel: Panel) -> pl.DataFrame:
    """A row for each point of each curve: pair, order, share, and every measure."""
    found = combination(panel)
    if found is None:
        return pl.DataFrame()
    keys = ("recall", "reached", "worst", "zero")
    names = dict(zip(keys, names_of(found).values(), strict=True))
    rows = [
        {
            "panel": panel.id,
            "pair": pair,
            "order": ORDERS[each.order],
            "share": point.share,
            **{key: point.measures[name].value for key, name in names.items()},
        }
        for pair, routes in pairs_of(found).items()
        for each in routes
        for point in each.points
    ]
    return pl.DataFrame(rows, infer_schema_length=None)
