"""A run, opened: its settings, its answers, its measures."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from vbench._arguments import check_arguments, check_choice
from vbench._invocation import spell_option
from vbench.data.dataset import GroundTruth
from vbench.errors import DamagedFileError, UnknownNameError, VbenchError
from vbench.measures.answers import Answers, Cost
from vbench.measures.base import Measure
from vbench.measures.cost import best_of_repeats
from vbench.measures.curve import curve
from vbench.measures.grammar import as_measures
from vbench.measures.sample import Estimate, Sample
from vbench.metric import FloatArray
from vbench.runs import files, tables
from vbench.runs.facts import TrialFacts
from vbench.runs.loads import find_load, label_load
from vbench.runs.rows import Rows, read_facts, read_rows
from vbench.runs.schema import SINGLE, STATIC, Build, Load, Manifest, Trial, View
from vbench.runs.settings import Setting, Variant, spell

if TYPE_CHECKING:
    import polars as pl

Per = Literal["setting", "trial", "query"]


class Run:
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
        self.path = Path(path)
        self.manifest: Manifest = files.read_manifest(self.path)
        self.view = {each.key: each for each in self.manifest.views}.get(view, View(key=view))
        self.set_aside = dict(set_aside or {})
        self._facts: dict[str, TrialFacts] = {}
        self._hits: dict[str, NDArray[np.int32]] = {}
        self._fastest: dict[str, FloatArray | None] = {}
        self._variants: dict[str, Variant] = {}
        self._settings: dict[tuple[str, ...], Setting] = {}
        self._builds = {build.key: build for build in self.manifest.builds}
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

    def space(self, trial: Trial) -> str | None:
        """The transform of the space that a trial searched, if any."""
        found = self.build_of(trial).space
        if found is None and self.is_done(trial):
            found = self.facts(trial).build.space
        return None if found in (None, "", "none") else str(found)

    def build_of(self, trial: Trial) -> Build:
        """The build that a trial searched."""
        return self._builds[trial.build]

    def is_done(self, trial: Trial) -> bool:
        """Whether the trial left a result."""
        there = files.trial_path(self.path, trial.key).is_file()
        return there and trial.key not in self.set_aside

    @property
    def done(self) -> list[Trial]:
        """Trials that left a result."""
        return [trial for trial in self.manifest.trials if self.is_done(trial)]

    @functools.cached_property
    def _queries(self) -> tables.Table:
        found = tables.read_queries(self.path)
        self._check_rows(self.path / files.QUERIES, len(found.numbers))
        return found

    @property
    def queries(self) -> pl.DataFrame:
        """One row per query: its number, its id where it has one, and its columns."""
        import polars as pl

        found = self._queries
        own = [pl.Series("query", found.numbers)]
        if found.ids is not None:
            own.append(found.ids.alias("id"))
        # A column of the dataset that is called as one of ours keeps a mark.
        taken = {each.name for each in own}
        columns = [
            each.alias(f"column.{each.name}") if each.name in taken else each
            for each in self.columns.get_columns()
        ]
        return pl.DataFrame([*own, *columns])

    @property
    def columns(self) -> pl.DataFrame:
        """The columns of the queries, m rows."""
        return self._queries.columns

    @property
    def query_ids(self) -> pl.Series | None:
        """What each query is called, (m,), or None where queries are numbers only."""
        return self._queries.ids

    @functools.cached_property
    def items(self) -> tables.Table | None:
        """What is known of the items that stand in some exact list or answer."""
        return tables.read_items(self.path)

    @functools.cached_property
    def ground_truth(self) -> GroundTruth:
        """The exact neighbors of every query, in this view."""
        found = tables.read_ground_truth(self.path, self.view.key)
        self._check_rows(files.ground_truth_path(self.path, self.view.key), len(found.ids))
        return found

    def possible(self, k: int) -> NDArray[np.int64] | None:
        """How many of K neighbors each query has to find (m,); None where all have K."""
        allowed = self.ground_truth.allowed
        return None if allowed is None or (allowed >= k).all() else np.minimum(allowed, k)

    def _check_rows(self, path: Path, rows: int) -> None:
        m = self.manifest.dataset.m
        if rows != m:
            raise DamagedFileError(
                path, f"{rows} rows for {m} queries", "give the same `vbench run` again"
            )

    def facts(self, trial: Trial) -> TrialFacts:
        """What a trial's file says beside its rows."""
        if trial.key not in self._facts:
            path = files.trial_path(self.path, trial.key)
            facts = read_facts(path)
            if (facts.trial.setting, facts.trial.k) != (trial.setting, trial.k):
                raise DamagedFileError(
                    path,
                    f"{files.MANIFEST} says {spell(trial.setting)} of it",
                    "give the same `vbench run` again",
                )
            self._facts[trial.key] = facts
        return self._facts[trial.key]

    @check_arguments
    def rows(self, trial: Trial, wanted: Sequence[str] | None = None) -> Rows:
        """The rows of a trial's file, or some of their columns; the hits are always there."""
        path, facts = files.trial_path(self.path, trial.key), self.facts(trial)
        rows = read_rows(path, facts, wanted)
        self._check_rows(path, len(rows.hits))
        n = self.manifest.dataset.n
        if rows.ids is not None and rows.ids.size and rows.ids.max() >= n:
            raise DamagedFileError(
                path, f"an id is not one of 0 … {n - 1}", "give the same `vbench run` again"
            )
        return rows

    @check_arguments
    def hits(self, trial: Trial) -> NDArray[np.int32]:
        """Hits of every query in a trial, int32 (m,): read once, they are asked for often.

        Of a query that has fewer than K neighbors to find they are its recall in K-ths, rounded
        down, and K where it has none: as many queries reach a threshold j/K as by their recall.
        """
        if trial.key not in self._hits:
            self._hits[trial.key] = self.rows(trial, ()).hits
        hits, possible = self._hits[trial.key], self.possible(trial.k)
        if possible is None:
            return hits
        scaled = trial.k * hits.astype(np.int64) // np.maximum(possible, 1)
        return np.where(possible > 0, scaled, trial.k).astype(np.int32)

    def fastest(self, trial: Trial) -> FloatArray | None:
        """Seconds of each query's fastest call (m,): read once; None where no time was taken."""
        if trial.key not in self._fastest:
            self.answers(trial, ids=False)
        return self._fastest[trial.key]

    @check_arguments
    def answers(self, trial: Trial, *, ids: bool = True) -> Answers:
        """What a trial answered; without `ids` in less time, for measures of hits and cost."""
        names = ["hits", "ratio", "latency_ns", "filter_ns", *(["ids", "place"] if ids else [])]
        rows, facts = self.rows(trial, names), self.facts(trial)
        m, batch = len(rows.hits), facts.batch
        found = Answers(
            k=trial.k,
            ids=np.empty((m, 0), dtype=np.int32) if rows.ids is None else rows.ids,
            hits=rows.hits,
            truth_ids=self.ground_truth.ids,
            truth_distances=self.ground_truth.distances,
            metric=self.manifest.dataset.metric,
            rule=self.manifest.options.rule,
            ratio=np.full(m, np.nan) if rows.ratio is None else rows.ratio,
            latency_ns=np.empty((m, 0), np.int64) if rows.latency_ns is None else rows.latency_ns,
            cost=Cost(
                build_seconds=facts.build_seconds,
                index_bytes=facts.sizes.get("index"),
                peak_bytes=facts.peak_bytes,
                batch_seconds=None if batch is None else batch.seconds,
                wall_seconds=facts.wall_s,
                work=facts.work,
                cpu_seconds=None if facts.cpu_ns is None else facts.cpu_ns * 1e-9,
                filter_seconds=facts.filter_setup_s
                if rows.filter_ns is None
                else float(rows.filter_ns.mean()) * 1e-9,
            ),
            disturbed=tuple(each.disturbed for each in facts.passes),
            place=rows.place,
            allowed=self.ground_truth.allowed,
        )
        # Files are read once where both are asked for.
        self._hits.setdefault(trial.key, rows.hits)
        if trial.key not in self._fastest:
            timed = found.latency_ns.size > 0
            self._fastest[trial.key] = best_of_repeats(found) if timed else None
        return found

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

    def hardness(self, k: int) -> pl.DataFrame | None:
        """The hardness of every query at K, a column for each measure; None until it is asked for.

        :func:`vbench.runs.vectors.hardness_of` computes it, as `vbench tail` does.
        """
        return tables.read_hardness(self.path, self.manifest.dataset.fingerprint, k)

    def clusters(self, name: str | None) -> NDArray[np.integer[Any]] | None:
        """Which queries belong together by a column, such as ``user``: (m,), or None without one.

        A query without a value belongs to no other.

        Raises
        ------
        VbenchError
            When there is no such column, or all its queries belong together.
        """
        if name is None:
            return None
        if name == self.manifest.dataset.query_id:
            return np.arange(self.manifest.dataset.m)  # each query is one of its own
        known = self.columns.columns
        if name not in known:
            hint = f"columns come with the dataset, or with {spell_option('segments', 'FILE')}"
            raise UnknownNameError("column of the queries", name, known, hint)
        ranks = self.columns[name].rank("dense")
        if ranks.n_unique() < 2:
            raise VbenchError(
                f"all queries have the same {name}: clusters of queries need a column with "
                "several values"
            )
        alone = -1 - np.arange(len(ranks), dtype=np.int64)
        return np.where(ranks.is_null(), alone, ranks.fill_null(0).to_numpy())

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
