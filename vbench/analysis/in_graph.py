"""How well the hardness of queries in the graphs of a setting's builds tells whom they fail."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench._document import Estimated, Interval
from vbench.metric import FloatArray
from vbench.runs import tables
from vbench.runs.settings import Setting
from vbench.stats.association import tail_auc
from vbench.stats.intervals import student

if TYPE_CHECKING:
    import polars as pl


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """How well one measure tells the tails of a graph index: chances of the larger value (AUC).

    Attributes
    ----------
    own_build
        Of a query under δ in a build, by its value in that build; mean over builds.
    persistent
        Of a query under δ in every build, by its mean over builds.
    which_build
        Of the queries under δ in some builds: whether the builds in which it fails have the larger
        value. What does not look at the build cannot tell: 0.5. None of one build.
    """

    measure: str
    own_build: Estimated
    persistent: Interval
    which_build: Interval | None


def graph_hardness(setting: Setting) -> dict[str, FloatArray] | None:
    """Each measure of every query in the graph of every build, (builds, m).

    None where the graph of some build was not read: :func:`explain_internals` does.
    """
    found = [tables.read_graph_hardness(setting.run.path, each.key) for each in setting.trials]
    known = [each for each in found if each is not None]
    if not known or len(known) < len(found):
        return None
    return {name: np.stack([each[name].to_numpy() for each in known]) for name in known[0].columns}


def with_graph(hardness: pl.DataFrame | None, setting: Setting) -> pl.DataFrame | None:
    """The hardness of the queries, and beside it that in the graph of a setting: mean of builds."""
    found = graph_hardness(setting)
    if hardness is None or found is None:
        return hardness
    import polars as pl

    return hardness.with_columns(pl.Series(name, each.mean(axis=0)) for name, each in found.items())


def tell_graph(
    hardness: pl.DataFrame | None, setting: Setting, under: NDArray[np.bool_]
) -> tuple[Telling, ...]:
    """Each measure against the tails of a setting, the best in its own build first.

    Parameters
    ----------
    hardness
        The measures that no build changes.
    under : bool (builds, m)
        Queries under δ.
    """
    found = graph_hardness(setting)
    if found is None:
        return ()
    builds = len(under)
    if hardness is not None:
        wide = {name: hardness[name].to_numpy() for name in hardness.columns}
        found = found | {name: np.tile(each, (builds, 1)) for name, each in wide.items()}
    rows = [_telling(name, each.astype(np.float64), under) for name, each in found.items()]
    return tuple(sorted(rows, key=lambda each: -abs((each.own_build.value or 0.5) - 0.5)))


def _telling(name: str, values: FloatArray, under: NDArray[np.bool_]) -> Telling:
    each = np.array([tail_auc(*pair).value[0] for pair in zip(values, under, strict=True)])
    known = each[~np.isnan(each)]
    several = len(known) > 1 and np.ptp(known) > 0
    low, high = student(known) if several else (None, None)
    persistent = tail_auc(values.mean(axis=0), under.all(axis=0))
    return Telling(
        measure=name,
        own_build=Estimated(
            value=float(known.mean()) if len(known) else None,
            low=None if low is None else max(low, 0.0),
            high=None if high is None else min(high, 1.0),
            spread=float(known.std(ddof=1)) if len(known) > 1 else None,
        ),
        persistent=Interval(*(_known(float(end[0])) for end in persistent)),
        which_build=_which_build(values, under) if len(under) > 1 else None,
    )


def _which_build(values: FloatArray, under: NDArray[np.bool_]) -> Interval:
    """Mean over queries of the share of pairs (build that fails, build that serves) that is right.

    Its interval is that of a mean over queries, which are independent.
    """
    some = under.any(axis=0) & ~under.all(axis=0)
    if not some.any():
        return Interval(None)
    fails, inside = under[:, some], values[:, some]
    right = np.zeros(fails.shape[1])
    pairs = np.zeros(fails.shape[1])
    for a in range(len(fails)):
        for b in range(len(fails)):
            split = fails[a] & ~fails[b]
            larger = (inside[a] > inside[b]) + 0.5 * (inside[a] == inside[b])
            right += np.where(split, larger, 0.0)
            pairs += split
    shares = right / pairs
    mean = float(shares.mean())
    if len(shares) < 2:
        return Interval(mean)
    low, high = student(shares)
    return Interval(mean, max(low, 0.0), min(high, 1.0))


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
