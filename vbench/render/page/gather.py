"""What a report shows: the settings of one or several runs, gathered where they compare."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vbench.errors import VbenchError
from vbench.measures.curve import Curve, curve
from vbench.runs.run import Run
from vbench.runs.same import Distinct, distinct
from vbench.runs.schema import DatasetFacts, Options
from vbench.runs.setting import Setting, spelt

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, eq=False)
class Shown:
    """One setting as the report names it.

    Attributes
    ----------
    id
        ``s0``, ``s1``, …: how charts and tables refer to it.
    index
        Name of the index; with the run's name where two runs hold an index of that name.
    label
        Its search parameters, after those of the build that differ within the index.
    family
        Index and the latter: what one line in a chart connects.
    """

    id: str
    run: Run
    setting: Setting
    index: str
    label: str
    family: str

    @property
    def k(self) -> int:
        """K of the setting."""
        return self.setting.k

    @property
    def name(self) -> str:
        """Index and parameters."""
        return f"{self.index} {self.label}".strip()

    @property
    def parameters(self) -> str:
        """Every parameter, of the build and of the search."""
        return spelt({**self.setting.build, **self.setting.setting})

    @functools.cached_property
    def hits(self) -> NDArray[np.int32]:
        """Hits of every query in every build, int32 (builds, m)."""
        return self.run.hits(self.setting)

    @functools.cached_property
    def recall(self) -> float:
        """Mean recall over queries and builds."""
        return float(self.hits.mean()) / self.k

    @functools.cached_property
    def curve(self) -> Curve:
        """Robustness at every threshold."""
        return curve(self.hits, self.k)


@dataclass(frozen=True, eq=False)
class Panel:
    """Settings that may be compared: the same queries, the same truth, the same K."""

    id: str
    data: str
    facts: DatasetFacts
    options: Options
    k: int
    settings: tuple[Shown, ...]

    @property
    def name(self) -> str:
        """What the panel is called: dataset and K."""
        return f"{self.data}, K = {self.k}"

    @property
    def indexes(self) -> list[str]:
        """Names of the indexes, in the order of the plan."""
        return list(dict.fromkeys(shown.index for shown in self.settings))

    @property
    def by_index(self) -> dict[str, list[Shown]]:
        """The settings of each index."""
        groups: dict[str, list[Shown]] = {}
        for shown in self.settings:
            groups.setdefault(shown.index, []).append(shown)
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
    def settings(self) -> list[Shown]:
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
        return _gather((runs,))
    if not runs:
        raise VbenchError("a report needs at least one run")
    return _gather(tuple(runs))


@functools.lru_cache(maxsize=4)
def _gather(runs: tuple[Run, ...]) -> Report:
    names = _index_names(runs)
    data = _data_names(runs)
    groups: dict[tuple[Kind, int], list[tuple[Run, Distinct]]] = {}
    for run in runs:
        for each in distinct(run):
            groups.setdefault((_kind(run), each.setting.k), []).append((run, each))
    varying = _varying([(run, each.setting) for group in groups.values() for run, each in group])
    panels, count = [], 0
    kinds = list(dict.fromkeys(map(_kind, runs)))
    in_order = sorted(groups, key=lambda key: (kinds.index(key[0]), key[1]))
    for number, (kind, k) in enumerate(in_order):
        group, settings = groups[kind, k], []
        for run, same in group:
            setting = same.setting
            index = names[run][setting.index]
            build = spelt(varying[run, id(setting)])
            label = f"{build} {spelt(same.shown)}".strip()
            family = f"{index} {build}".strip()
            settings.append(Shown(f"s{count}", run, setting, index, label, family))
            count += 1
        manifest = group[0][0].manifest
        panels.append(
            Panel(
                f"p{number}",
                data[group[0][0]],
                manifest.dataset,
                manifest.options,
                k,
                tuple(settings),
            )
        )
    return Report(
        runs,
        tuple(panels),
        tuple(dict.fromkeys(name for run in runs for name in names[run].values())),
    )


def _index_names(runs: tuple[Run, ...]) -> Mapping[Run, Mapping[str, str]]:
    """What each run's indexes are called: one that two runs of the same data hold says which."""
    planned = {run: dict.fromkeys(build.index for build in run.manifest.builds) for run in runs}
    shown = {run: {each.index: _with_space(run, each) for each in run.settings()} for run in runs}
    holders = Counter((_kind(run), index) for run, indexes in planned.items() for index in indexes)
    spelt_runs = _run_names(runs)
    return {
        run: {
            index: shown[run].get(index, index)
            + ("" if holders[_kind(run), index] == 1 else f" · {spelt_runs[run]}")
            for index in indexes
        }
        for run, indexes in planned.items()
    }


def _with_space(run: Run, setting: Setting) -> str:
    """The index's name, and the transform of the space that it was searched in, if any."""
    space = run.space(setting)
    return f"{setting.index} ({space})" if space else setting.index


Kind = tuple[str, str]


def _kind(run: Run) -> Kind:
    """What two runs must have in common to be compared: the vectors, and the rule of recall."""
    return run.manifest.dataset.fingerprint, run.manifest.options.rule


def _run_names(runs: tuple[Run, ...]) -> Mapping[Run, str]:
    """The last part of each run's path, numbered where two are the same."""
    last = [run.path.resolve().name for run in runs]
    return {
        run: name if last.count(name) == 1 else f"{name} ({number})"
        for number, (run, name) in enumerate(zip(runs, last, strict=True), start=1)
    }


def _data_names(runs: tuple[Run, ...]) -> Mapping[Run, str]:
    """A name for each run's data; it says more where one name covers different data or rules."""
    kinds: dict[str, set[Kind]] = {}
    for run in runs:
        kinds.setdefault(run.manifest.dataset.name, set()).add(_kind(run))
    named = {}
    for run in runs:
        name = run.manifest.dataset.name
        if len(kinds[name]) > 1:
            fingerprint, rule = _kind(run)
            name = f"{name} ({fingerprint[:6]}, {rule})"
        named[run] = name
    return named


def _varying(
    settings: Sequence[tuple[Run, Setting]],
) -> Mapping[tuple[Run, int], dict[str, Any]]:
    """The build parameters of each setting that vary within its index."""
    values: dict[tuple[Run, str, str], set[str]] = {}
    for run, setting in settings:
        for name, value in setting.build.items():
            values.setdefault((run, setting.index, name), set()).add(repr(value))
    return {
        (run, id(setting)): {
            name: value
            for name, value in setting.build.items()
            if len(values[run, setting.index, name]) > 1
        }
        for run, setting in settings
    }
