"""How evenly settings answer at each age: while the base of an index is replaced, or grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench._document import Estimated, Interval
from vbench.analysis.document import SettingRow
from vbench.measures.hits import threshold
from vbench.metric import FloatArray
from vbench.runs.run import Run
from vbench.runs.schema import View
from vbench.runs.settings import Setting
from vbench.runs.views import label_view
from vbench.stats.crossed import crossed_mean
from vbench.stats.intervals import student

if TYPE_CHECKING:
    from vbench.analysis.summary import SummaryRow

DELTA = 0.9
LOST = 0.05
"""How much Robustness a half-life is about."""


class AgeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the index holds at a search, and what happened to it since ``fit``, in vectors.

    `step` is the number of the search in the workload; `replaced_share` is relative to `live`.
    """

    step: int
    live: int
    inserted: int
    deleted: int
    replaced: int
    replaced_share: float


class AgedRow(SettingRow, frozen=True, kw_only=True):
    """A setting at an age.

    Attributes
    ----------
    step
        The search that it is of, as in the ages of the workload.
    measures
        By their spelling.
    fallen
        Share of queries that had a recall of 0.9 at the first search and have it no longer, over
        builds; None at the first.
    recovered
        Share of queries that had it at the first search, not at some search between, and have it
        again.
    change_s
        Seconds of all changes since ``fit``, what the index does when it settles included.
    rebuild_after
        Queries after which the build would be paid for by what a search costs more than a freshly
        built index of the same mean recall; None where that was not measured, and where the
        interval of its rate, which needs several builds, does not exclude that it costs no more.
    """

    step: int
    measures: dict[str, Estimated]
    fallen: Interval | None = None
    recovered: Interval | None = None
    change_s: Estimated | None = None
    rebuild_after: float | None = None


class HalfLife(SettingRow, frozen=True, kw_only=True):
    """Share of the vectors that were replaced when Robustness had lost 0.05.

    Attributes
    ----------
    share
        Mean over builds, with Student's interval where there are several; interpolated between
        searches. None where some build has not lost as much.
    lost
        Builds that have lost as much.
    at_most
        The largest share that was searched at.
    """

    share: Interval
    lost: int
    at_most: float


class Ageing(msgspec.Struct, frozen=True, kw_only=True):
    """A workload: its ages, and every setting at each of them. No half-life without replacing.

    `filter` and `mask` are what all of it was asked under, if anything.
    """

    workload: str
    filter: str | None = None
    mask: int | None = None
    ages: list[AgeFacts]
    settings: list[AgedRow]
    half_lives: list[HalfLife]

    @property
    def title(self) -> str:
        """The workload as tables call it, with the filter."""
        return f"{self.workload} {label_view(self.filter, self.mask)}".rstrip()


def summarize_ages(run: Run, rows: Mapping[Setting, SummaryRow]) -> tuple[Ageing, ...]:
    """How settings answer at the ages of each workload of a run.

    Parameters
    ----------
    rows
        The settings of every view, and what was estimated of each.
    """
    series: dict[tuple[str, str | None, int | None], list[View]] = {}
    for each in run.manifest.views:
        if each.workload:
            key = (each.workload, each.filter, each.mask)
            series.setdefault(key, []).append(each)
    return tuple(_summarize(run, aged, rows) for aged in series.values())


def _summarize(run: Run, aged: list[View], rows: Mapping[Setting, SummaryRow]) -> Ageing:
    fresh = _fresh_view(run, aged[0])
    views = _in_order(run, fresh, aged)
    places = {view.key: place for place, view in enumerate(views)}
    groups: dict[tuple[str, int], list[Setting]] = {}
    for setting in rows:
        if setting.run.view.key in places and setting.load.key == "single":
            groups.setdefault((str(setting), setting.k), []).append(setting)
    ages = [_describe(view, run.manifest.dataset.n) for view in views]
    found, half_lives = [], []
    for settings in groups.values():
        settings.sort(key=lambda each: places[each.run.view.key])
        served = _Served(settings)
        for number, setting in enumerate(settings):
            age = ages[places[setting.run.view.key]]
            row = rows[setting]
            found.append(
                AgedRow.from_setting(
                    setting,
                    step=age.step,
                    measures=row.measures,
                    fallen=served.fallen(number),
                    recovered=served.recovered(number),
                    change_s=_change_seconds(setting),
                    rebuild_after=_rebuild_after(setting, row, rows, fresh)
                    if age.replaced
                    else None,
                )
            )
        shares = [ages[places[each.run.view.key]].replaced_share for each in settings]
        if shares[0] == 0 and shares[-1] > 0:
            half_lives.append(_half_life(settings[0], served, shares))
    return Ageing(
        workload=aged[0].workload or "",
        filter=aged[0].filter,
        mask=aged[0].mask,
        ages=ages,
        settings=found,
        half_lives=half_lives,
    )


def _fresh_view(run: Run, aged: View) -> View | None:
    """The view of the same filter where ``fit`` took everything, and nothing has happened since."""
    same = (
        each
        for each in run.manifest.views
        if each.workload is None and (each.filter, each.mask) == (aged.filter, aged.mask)
    )
    return next(same, None)


def _in_order(run: Run, fresh: View | None, aged: Sequence[View]) -> list[View]:
    """The views of a workload in order, the fresh one first where ``fit`` took everything."""
    views = sorted(aged, key=lambda each: each.step or 0)
    first, facts = views[0], run.manifest.dataset
    fitted = (first.live or 0) - (first.inserted or 0) + (first.deleted or 0)
    is_whole = fitted == facts.n - (facts.zero_rows or 0)
    return [fresh, *views] if fresh is not None and is_whole else views


def _describe(view: View, n: int) -> AgeFacts:
    live, replaced = n if view.live is None else view.live, view.replaced or 0
    return AgeFacts(
        step=view.step or 0,
        live=live,
        inserted=view.inserted or 0,
        deleted=view.deleted or 0,
        replaced=replaced,
        replaced_share=replaced / live if live else 0.0,
    )


class _Served:
    """Which queries reach a recall of 0.9 at each search, in the builds that all of them have."""

    def __init__(self, settings: Sequence[Setting]) -> None:
        builds = [[trial.build for trial in each.trials] for each in settings]
        common = [key for key in builds[0] if all(key in each for each in builds)]
        needed = threshold(DELTA, settings[0].k)
        self.at: list[NDArray[np.bool_]] = [
            each.hits[[keys.index(key) for key in common]] >= needed
            for each, keys in zip(settings, builds, strict=True)
        ]
        """Of each search: (builds, m)."""

    def fallen(self, number: int) -> Interval | None:
        return _share(self.at[0] & ~self.at[number]) if number else None

    def recovered(self, number: int) -> Interval | None:
        if not number:
            return None
        between = [~each for each in self.at[1:number]]
        lost = np.logical_or.reduce(between) if between else np.zeros_like(self.at[0])
        return _share(self.at[0] & lost & self.at[number])

    def robustness(self) -> FloatArray:
        """Share of the queries of each build at each search: (searches, builds)."""
        return np.stack([each.mean(axis=1) for each in self.at])


def _share(mask: NDArray[np.bool_]) -> Interval | None:
    if not mask.size:
        return None
    found = crossed_mean(mask)
    return Interval(float(mask.mean()), found.low, found.high)


def _half_life(first: Setting, served: _Served, shares: Sequence[float]) -> HalfLife:
    found = [find_half_life(each, shares) for each in served.robustness().T]
    lost = [each for each in found if each is not None]
    share = Interval(None)
    if lost and len(lost) == len(found):
        ends = student(lost) if len(lost) > 1 else None
        low, high = (None, None) if ends is None else (max(0.0, ends.low), ends.high)
        share = Interval(float(np.mean(lost)), low, high)
    return HalfLife.from_setting(first, share=share, lost=len(lost), at_most=max(shares))


def find_half_life(robustness: FloatArray, shares: Sequence[float]) -> float | None:
    """The share at which a build has lost 0.05 of what it had at the first; None: at none of them.

    Parameters
    ----------
    robustness : (searches,)
    shares
        Replaced until each search, ascending; interpolated between.
    """
    left = np.asarray(robustness) - (robustness[0] - LOST)
    # Shares of queries differ by less where roundings do.
    below = np.flatnonzero(left <= 1e-12)
    if not len(below):
        return None
    at = int(below[0])
    part = left[at - 1] / (left[at - 1] - left[at])
    return float(shares[at - 1] + part * (shares[at] - shares[at - 1]))


def _change_seconds(setting: Setting) -> Estimated | None:
    """Seconds of all changes since ``fit``, over builds."""
    facts = [setting.run.facts(trial) for trial in setting.trials]
    spent = [sum(each.step_seconds) + each.phases.get("settle", 0.0)
             for each in facts if each.step_seconds]  # fmt: skip
    if not spent:
        return None
    spread = float(np.std(spent, ddof=1)) if len(spent) > 1 else None
    ends = student(spent) if spread else None
    low, high = (None, None) if ends is None else (max(0.0, ends.low), ends.high)
    return Estimated(float(np.mean(spent)), low, high, spread)


def _rebuild_after(
    aged: Setting, row: SummaryRow, rows: Mapping[Setting, SummaryRow], view: View | None
) -> float | None:
    """Queries that pay for a build: seconds of it, over what each query costs more than fresh."""
    fresh = [
        _recall_and_seconds(each, own)
        for each, own in rows.items()
        if view is not None
        and each.run.view.key == view.key
        and (each.variant.identity, each.k, each.load) == (aged.variant.identity, aged.k, aged.load)
    ]
    curve = sorted(pair for pair in fresh if pair is not None)
    here, build = _recall_and_seconds(aged, row), row.measures["BuildTime"].value
    if len(curve) < 2 or here is None or build is None:
        return None
    recalls, seconds = np.array(curve).T
    if not recalls[0] <= here[0] <= recalls[-1]:
        return None
    # Times grow by factors where recall grows by steps.
    same = float(np.exp(np.interp(here[0], recalls, np.log(seconds))))
    fastest = row.measures["QPS"].high
    return build / (here[1] - same) if fastest is not None and fastest * same < 1 else None


def _recall_and_seconds(setting: Setting, row: SummaryRow) -> tuple[float, float] | None:
    recall, rate = row.measures[f"Recall@{setting.k}"].value, row.measures["QPS"].value
    return None if recall is None or not rate else (recall, 1.0 / rate)
