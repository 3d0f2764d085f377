"""A run, opened: its settings, its answers, its measures."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import numpy as np

from vbench._arguments import check_arguments, check_choice
from vbench.errors import VbenchError
from vbench.measures.base import Measure
from vbench.measures.curve import curve
from vbench.measures.grammar import as_measures
from vbench.measures.sample import Estimate, Sample
from vbench.runs.loads import find_load, label_load
from vbench.runs.reading import RunFiles
from vbench.runs.schema import SINGLE, STATIC, Load, Trial, View
from vbench.runs.settings import Setting, Variant, spell

if TYPE_CHECKING:
    import polars as pl

Per = Literal["setting", "trial", "query"]


class Run(RunFiles):
    """A run folder, read lazily: only what is asked for is loaded, and checked when it is.

    Parameters
    ----------
    path
        The folder.
    set_aside
        Trials to take for such that left no result, by key, with the reason.
    view
        Key of the view whose settings and exact neighbors these are; by default the whole base.

    Raises
    ------
    VbenchError
        When `path` holds no run, or a damaged one.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        set_aside: Mapping[str, str] | None = None,
        view: str = STATIC,
    ) -> None:
        super().__init__(path, set_aside=set_aside, view=view)
        self._variants: dict[str, Variant] = {}
        self._settings: dict[tuple[str, ...], Setting] = {}
        self._in_views: dict[str, Run] = {self.view.key: self}

    def __repr__(self) -> str:
        return f"<Run {self.path}: {self.completion}>"

    def in_view(self, view: View) -> Self:
        """The same run in another view: its settings, its exact neighbors."""
        if view.key not in self._in_views:
            made = type(self)(self.path, set_aside=self.set_aside, view=view.key)
            made._in_views = self._in_views  # what is opened once is not opened again
            self._in_views[view.key] = made
        found = self._in_views[view.key]
        assert isinstance(found, type(self))
        return found

    @property
    def completion(self) -> str:
        """How many of the planned trials left a result: ``1 of 3 trials done, 2 failed``."""
        planned, done = len(self.manifest.trials), len(self.done)
        failed = {failure.trial for failure in self.manifest.failures}
        failed &= {trial.key for trial in self.manifest.trials if not self.is_done(trial)}
        return f"{done} of {planned} trials done" + (f", {len(failed)} failed" if failed else "")

    def settings(self, *, steps: bool = False, loads: bool = False) -> list[Setting]:
        """The settings that have a result, in the order of the plan, each with its builds.

        Of an index that was brought to a mean recall only the settings at it; with `steps` also
        those that were tried on the way. With `loads` also as they were asked by several clients,
        at a rate or in batches.
        """
        groups: dict[str, list[Trial]] = {}
        for trial in filter(self.is_done, self._trials):
            if trial.load != SINGLE and not loads:
                continue
            groups.setdefault(self._key(trial), []).append(trial)
        found = [self.setting_of(tuple(trials)) for trials in groups.values()]
        return found if steps else [each for each in found if not self._is_step(each)]

    def unanswered(self, *, loads: bool = False) -> list[Setting]:
        """The planned settings that no build left a result of: they have no trials."""
        answered = {self._key(trial) for trial in self._trials if self.is_done(trial)}
        lost = {self._key(trial): trial for trial in self._trials}
        found = [
            Setting(self._variant(trial), trial.setting, trial.k, (), self._load(trial))
            for key, trial in lost.items()
            if key not in answered and (loads or trial.load == SINGLE)
        ]
        return [each for each in found if not self._is_step(each)]

    def planned_trials(self, setting: Setting) -> list[Trial]:
        """The trials of all builds of a setting, whether they left a result or not."""
        key = _key(setting.index, setting.build, setting.search, setting.k, setting.load.key)
        return list(self._planned[key])

    def count_planned(self, setting: Setting) -> int:
        """How many builds of a setting were planned, whether they left a result or not."""
        return len(self.planned_trials(setting))

    @functools.cached_property
    def _planned(self) -> Mapping[str, list[Trial]]:
        groups: dict[str, list[Trial]] = defaultdict(list)
        for trial in self._trials:
            groups[self._key(trial)].append(trial)
        return groups

    @functools.cached_property
    def _trials(self) -> list[Trial]:
        """The planned trials of this view."""
        return [trial for trial in self.manifest.trials if trial.view == self.view.key]

    def _key(self, trial: Trial) -> str:
        build = self.build_of(trial)
        return _key(build.index, build.params, trial.setting, trial.k, trial.load)

    def setting_of(self, trials: tuple[Trial, ...]) -> Setting:
        """The setting that these trials are of; the same object whenever it is asked for."""
        key = tuple(trial.key for trial in trials)
        if key not in self._settings:
            first = trials[0]
            variant = self._variant(first)
            load = self._load(first)
            self._settings[key] = Setting(variant, first.setting, first.k, trials, load)
        return self._settings[key]

    def _load(self, trial: Trial) -> Load:
        return find_load(self.manifest.loads, trial.load)

    def _variant(self, trial: Trial) -> Variant:
        build = self.build_of(trial)
        key = repr((build.index, build.params))
        if key not in self._variants:
            others = [each.params for each in self.manifest.builds if each.index == build.index]
            varying = tuple(
                name
                for name in build.params
                if len({repr(other.get(name)) for other in others}) > 1
            )
            space = self.space(trial)
            title = f"{build.index} ({space})" if space else build.index
            self._variants[key] = Variant(self, build.index, build.params, title, varying)
        return self._variants[key]

    def _is_step(self, setting: Setting) -> bool:
        """Whether a setting was tried only on the way to another one."""
        for level in self.manifest.levels:
            if (
                level.view == self.view.key
                and (level.index, level.build, level.k) == (setting.index, setting.build, setting.k)
                and setting.search.items() >= level.fixed.items()
                and setting.search.keys() == {*level.fixed, level.tune_parameter} - {None}
            ):
                return setting.search not in level.chosen
        return False

    def estimates(
        self,
        setting: Setting,
        measures: Sequence[Measure],
        level: float = 0.95,
        cluster: str | None = None,
    ) -> Iterator[Estimate]:
        """Each measure of one setting: mean over its builds, interval and spread.

        Queries that are equal in the column `cluster` are not taken as independent.
        """
        sample = Sample(setting.answers(), level, self.clusters(cluster))
        return map(sample.estimate, measures)

    @check_arguments
    def curve(self, setting: Setting, level: float = 0.95) -> pl.DataFrame:
        """The robustness curve of one setting.

        Returns
        -------
        polars.DataFrame
            A row for each `delta` = j/K, j = 0…K: `value` (mean over builds), `low` and `high`
            (interval of that point alone), `band_low` and `band_high` (a band that holds the
            whole curve at once).
        """
        import polars as pl

        found = setting.curve if level == 0.95 else curve(setting.hits, setting.k, level)
        names = ("value", "low", "high", "band_low", "band_high")
        columns = {"delta": np.arange(setting.k + 1) / setting.k}
        return pl.DataFrame(columns | {name: getattr(found, name) for name in names})

    @check_arguments
    def measure(
        self,
        name: str | Measure | type[Measure] | Sequence[str | Measure | type[Measure]],
        per: Per = "setting",
        cluster: str | None = None,
    ) -> pl.DataFrame:
        """One measure of everything in the run, or several.

        Parameters
        ----------
        name
            A measure, such as ``"Robustness(delta=0.9)@10"``, or a list of some.
        per
            `setting`: a row for each setting, the mean over builds with `low`, `high` (95 %
            interval) and `spread` (standard deviation over builds). `trial`: a row for each
            build of each setting. `query`: a row for each query of each of those, with its `id`
            where queries have some, and the columns of the queries, such as segments.
        cluster
            Column of the queries whose equal values are not taken as independent.

        Returns
        -------
        polars.DataFrame
            Columns `measure` (of a list only), `index`, `build` and `setting` (written
            ``name=value``), `k`, then by `per`. A column of the queries that is called as one of
            these is `column.NAME`.

        Raises
        ------
        VbenchError
            For an unknown measure, or a K that the run does not hold.
        """
        import polars as pl

        check_choice("per", per, get_args(Per))
        single = isinstance(name, str | Measure | type)
        measures = as_measures(name)
        if not measures:
            raise VbenchError("no measure given; name at least one, such as Recall@10")
        rows: list[Mapping[str, object]] = []
        for measure in measures:
            named = {} if single else {"measure": str(measure)}
            for setting in self._with_cutoff(measure):
                rows += [named | row for row in self._rows_of(measure, setting, per, cluster)]
        frame = pl.DataFrame(rows)
        if per != "query" or frame.is_empty():
            return frame
        frame = frame.explode("query", "value")
        taken = set(frame.columns) - {"query"}
        about = self.queries.rename(lambda each: f"column.{each}" if each in taken else each)
        return frame.join(about, on="query", how="left", maintain_order="left")

    def _rows_of(
        self, measure: Measure, setting: Setting, per: Per, cluster: str | None
    ) -> Iterator[dict[str, object]]:
        head = {
            "index": setting.index,
            "build": spell(setting.build),
            "setting": spell(setting.search),
            "k": setting.k,
        }
        # Where all were asked in the usual way, there is nothing to tell.
        if len(self.manifest.loads) > 1:
            head["load"] = label_load(setting.load)
        if per == "setting":
            (value,) = self.estimates(setting, [measure], cluster=cluster)
            yield head | {"builds": len(setting.trials)} | value._asdict()
            return
        for trial in setting.trials:
            number = {"build_number": self.build_of(trial).number}
            answers = self.answers(trial)
            if per == "trial":
                yield head | number | {"value": measure.value(answers)}
            else:
                values = measure.per_query(answers)
                yield head | number | {"query": np.arange(len(values)), "value": values}

    def _with_cutoff(self, measure: Measure) -> list[Setting]:
        settings = self.settings(loads=True)
        wanted = measure.cutoff
        if wanted is None:
            return settings
        found = [setting for setting in settings if setting.k == wanted]
        if not found:
            ks = sorted({setting.k for setting in settings})
            raise VbenchError(
                f"{measure} asks for K={wanted}; {self.path} holds "
                + (f"K={', '.join(map(str, ks))}" if ks else "no finished trial")
            )
        return found


def _key(index: str, build: Mapping[str, Any], search: Mapping[str, Any], k: int, load: str) -> str:
    """What the trials of one setting have in common."""
    return repr((index, build, search, k, load))
