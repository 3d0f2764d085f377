"""What a report shows: settings of one or several runs, gathered where they compare.

Indexes are compared at matched recall: of each the setting nearest to one level.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from vbench.errors import VbenchError
from vbench.measures import usual
from vbench.runs.run import Run
from vbench.runs.schema import DatasetFacts, Options
from vbench.runs.settings import Setting, by_variant, merge_same
from vbench.runs.views import label_view, open_view

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, eq=False)
class Panel:
    """Settings that may be compared: the same queries, the same ground truth, the same K."""

    id: str
    data: str
    facts: DatasetFacts
    options: Options
    k: int
    settings: tuple[Setting, ...]

    @property
    def name(self) -> str:
        """What the panel is called: dataset, K, and filter."""
        return f"{self.data}, K = {self.k}" + (self.under and f", {self.under}")

    @property
    def under(self) -> str:
        """The view in words, ``under popularity < 20``; "" for the whole base."""
        view = self.settings[0].run.view
        return label_view(view.filter, view.mask, view.step, view.workload)

    @property
    def indexes(self) -> list[str]:
        """Names of the indexes, in the order of the plan."""
        return list(dict.fromkeys(shown.title for shown in self.settings))

    @property
    def by_index(self) -> dict[str, list[Setting]]:
        """The settings of each index."""
        groups: dict[str, list[Setting]] = {}
        for shown in self.settings:
            groups.setdefault(shown.title, []).append(shown)
        return groups

    @property
    def queries(self) -> pl.DataFrame:
        """One row per query: its number and segments."""
        return self.settings[0].run.queries

    @functools.cached_property
    def hardness(self) -> pl.DataFrame | None:
        """Hardness of every query, or None where no run of the panel holds it."""
        for run in dict.fromkeys(shown.run for shown in self.settings):
            if (found := run.hardness(self.k)) is not None:
                return found
        return None


@dataclass(frozen=True)
class Report:
    """Runs, gathered.

    Attributes
    ----------
    panels
        One for each dataset and K that has a result.
    indexes
        Every index that was planned, also one that failed: its place decides its color.
    """

    runs: tuple[Run, ...]
    panels: tuple[Panel, ...]
    indexes: tuple[str, ...]

    @property
    def settings(self) -> list[Setting]:
        """The settings of all panels."""
        return [shown for panel in self.panels for shown in panel.settings]

    def panel(self, k: int | None = None) -> Panel:
        """The panel of K, or the first one.

        Raises
        ------
        VbenchError
            When nothing is finished yet, or nothing at K.
        """
        for panel in self.panels:
            if k is None or panel.k == k:
                return panel
        held = ", ".join(sorted({str(panel.k) for panel in self.panels}))
        raise VbenchError(
            f"no result at K={k}; there are K={held}"
            if held
            else "no trial of the run is finished; give the same `vbench run` again"
        )


def gather(runs: Run | Report | Sequence[Run]) -> Report:
    """Gather runs. Of one run it may be asked again and again: the work is done once."""
    if isinstance(runs, Report):
        return runs
    if isinstance(runs, Run):
        return _gather((open_view(runs),))
    if not runs:
        raise VbenchError("a report needs at least one run")
    return _gather(tuple(map(open_view, runs)))


@functools.lru_cache(maxsize=4)
def _gather(runs: tuple[Run, ...]) -> Report:
    titles = _titles(runs)
    data = _data_names(runs)
    groups: dict[tuple[Kind, int], list[Setting]] = {}
    for run in runs:
        for setting in merge_same(_retitle(run.settings(), titles[run])):
            groups.setdefault((_kind(run), setting.k), []).append(setting)
    kinds = list(dict.fromkeys(map(_kind, runs)))
    in_order = sorted(groups, key=lambda key: (kinds.index(key[0]), key[1]))
    count = itertools.count()
    panels = []
    for number, (kind, k) in enumerate(in_order):
        settings = tuple(replace(each, id=f"s{next(count)}") for each in groups[kind, k])
        run = settings[0].run
        facts, options = run.manifest.dataset, run.manifest.options
        panels.append(Panel(f"p{number}", data[run], facts, options, k, settings))
    return Report(
        runs,
        tuple(panels),
        tuple(dict.fromkeys(title for run in runs for title in titles[run].values())),
    )


def _retitle(settings: Sequence[Setting], titles: Mapping[str, str]) -> list[Setting]:
    """The settings, their variants called as the report calls them."""
    variants = {
        variant: variant
        if variant.title == titles[variant.index]
        else replace(variant, title=titles[variant.index])
        for variant in by_variant(settings)
    }
    return [replace(each, variant=variants[each.variant]) for each in settings]


def _titles(runs: tuple[Run, ...]) -> Mapping[Run, Mapping[str, str]]:
    """What each run's indexes are called: one that two runs of the same data hold says which."""
    planned = {run: dict.fromkeys(build.index for build in run.manifest.builds) for run in runs}
    shown = {run: {each.index: each.title for each in run.settings()} for run in runs}
    holders = Counter((_kind(run), index) for run, indexes in planned.items() for index in indexes)
    run_names = name_runs(runs)
    return {
        run: {
            index: shown[run].get(index, index)
            + ("" if holders[_kind(run), index] == 1 else f" · {run_names[run]}")
            for index in indexes
        }
        for run, indexes in planned.items()
    }


Kind = tuple[str, str, str]


def _kind(run: Run) -> Kind:
    """What two runs must have in common to be compared: vectors, the rule of recall, the view."""
    return (*_data_of(run), run.view.key)


def _data_of(run: Run) -> tuple[str, str]:
    return run.manifest.dataset.fingerprint, run.manifest.options.rule


def name_runs(runs: tuple[Run, ...]) -> Mapping[Run, str]:
    """The last part of each run's path, numbered where two are the same."""
    last = [run.path.resolve().name for run in runs]
    return {
        run: name if last.count(name) == 1 else f"{name} ({number})"
        for number, (run, name) in enumerate(zip(runs, last, strict=True), start=1)
    }


def _data_names(runs: tuple[Run, ...]) -> Mapping[Run, str]:
    """A name for each run's data; it says more where one name covers different data or rules.

    That is which part of the vectors was drawn, or else the fingerprint and the rule.
    """
    parts: dict[str, dict[tuple[str, str], str]] = {}
    for run in runs:
        data = run.manifest.dataset
        parts.setdefault(data.name, {})[_data_of(run)] = words_of_part(data)
    named = {}
    for run in runs:
        name, (fingerprint, rule) = run.manifest.dataset.name, _data_of(run)
        here = parts[name]
        more = here[fingerprint, rule]
        if len({*here.values()}) < len(here):
            more = f"{fingerprint[:6]}, {rule}"
        named[run] = f"{name} ({more})" if len(here) > 1 and more else name
    return named


def words_of_part(data: DatasetFacts) -> str:
    """Which part of its vectors was drawn; empty where they are all there."""
    drawn = data.base_at_most
    return "" if drawn is None else f"{drawn['count']:,} of {drawn['of']:,} vectors"


_LEVELS = [level / 100 for level in range(50, 100)]


class MatchedRecall(NamedTuple):
    """The settings that are compared in words.

    Attributes
    ----------
    level
        Mean recall at which most indexes have a setting.
    chosen
        Of each index the setting nearest to it.
    """

    level: float
    chosen: dict[str, Setting]

    @property
    def at_level(self) -> dict[str, Setting]:
        """The indexes that do have a setting at the level."""
        return {name: shown for name, shown in self.chosen.items() if self.is_at_level(shown)}

    @property
    def is_matched(self) -> bool:
        """Whether two indexes at least have a setting at the level."""
        return len(self.at_level) > 1

    @property
    def heading(self) -> str:
        """At what the settings are compared."""
        if self.is_matched:
            return "At matched recall"
        return "At mean recall" if len(self.chosen) == 1 else "At the nearest mean recall"

    @property
    def compared(self) -> list[Setting]:
        """The settings that are compared: those at the level, or all where no two are."""
        return list((self.at_level if self.is_matched else self.chosen).values())

    def is_at_level(self, shown: Setting) -> bool:
        """Whether a setting's mean recall is that of the level."""
        return usual.is_at(shown.recall, self.level)


def match_recall(panel: Panel) -> MatchedRecall:
    """The settings that are compared, at the level of :func:`match_level`."""
    level = match_level(panel.by_index, panel.options.at_recall)
    return MatchedRecall(level, nearest(panel, level))


def match_level(by_index: Mapping[str, Sequence[Setting]], at_recall: float | None) -> float:
    """The recall that the run was brought to, or the one that most indexes have a setting at.

    Of several such levels the usual 0.9, then the one that they come nearest to; where no two
    indexes have matched recall, the level in the middle of the settings that come nearest to each
    other. One index has the usual level.
    """
    if at_recall is not None:
        return at_recall
    if len(by_index) < 2:
        return usual.RECALL
    recalls = [[setting.recall for setting in settings] for settings in by_index.values()]

    def worth(level: float) -> tuple[int, bool, float, float]:
        closest = [min(own, key=lambda recall: abs(recall - level)) for own in recalls]
        at = [recall for recall in closest if usual.is_at(recall, level)]
        if len(at) > 1:
            return len(at), level == usual.RECALL, -sum(abs(recall - level) for recall in at), 0.0
        farthest = max(abs(recall - level) for recall in closest)
        return 1, False, min(closest) - max(closest), -farthest

    return max(_LEVELS, key=worth)


def nearest(panel: Panel, level: float) -> dict[str, Setting]:
    """Of each index the setting whose mean recall is nearest to `level`."""
    return {index: nearest_of(settings, level) for index, settings in panel.by_index.items()}


def nearest_of(settings: Sequence[Setting], level: float) -> Setting:
    """The setting whose mean recall is nearest to `level`; of equal ones the first."""
    return min(settings, key=lambda each: abs(each.recall - level))
