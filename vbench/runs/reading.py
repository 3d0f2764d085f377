"""The files of a run folder, read lazily: only what is asked for, and checked when it is."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vbench._arguments import check_arguments
from vbench._invocation import spell_option
from vbench.data.dataset import GroundTruth
from vbench.errors import DamagedFileError, UnknownNameError, VbenchError
from vbench.measures.answers import Answers, Cost
from vbench.measures.cost import best_of_repeats
from vbench.measures.places import Places, list_places
from vbench.metric import FloatArray
from vbench.runs import files, tables
from vbench.runs.facts import TrialFacts
from vbench.runs.mirror import here
from vbench.runs.rows import Rows, read_facts, read_rows
from vbench.runs.schema import STATIC, Build, Manifest, Trial, View
from vbench.runs.settings import spell

if TYPE_CHECKING:
    import polars as pl


class StoredAnswers(Answers):
    """Answers of a trial's file, whose ids are read when they are first asked for."""

    _rows: Callable[[], Rows]
    _listed: Callable[[], Places]

    @classmethod
    def of(
        cls, rows: Callable[[], Rows], listed: Callable[[], Places], **fields: Any
    ) -> StoredAnswers:
        """Answers but for ids and places, which come from `rows` once they are needed.

        Places of the exact list, which are those of every trial of a K, come from `listed`.
        """
        found = cls(ids=_UNKNOWN, **fields)
        found.__dict__["_listed"] = listed
        # What is not there is computed by the properties of that name.
        for name in ("ids", "place"):
            del found.__dict__[name]
        found.__dict__["_rows"] = functools.cache(rows)
        return found

    @functools.cached_property
    def ids(self) -> NDArray[np.integer[Any]]:
        ids = self._rows().ids
        return np.empty((len(self.hits), 0), dtype=np.int32) if ids is None else ids

    @functools.cached_property
    def place(self) -> Places | None:
        return self._rows().place

    @functools.cached_property
    def listed(self) -> Places:
        # Of some queries, or another K, they are others.
        return self._listed() if "_listed" in self.__dict__ else super().listed


_UNKNOWN = np.empty((0, 0), dtype=np.int32)


class RunFiles:
    """What a run folder holds, trial by trial and query by query.

    The arguments are those of :class:`vbench.runs.run.Run`.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        set_aside: Mapping[str, str] | None = None,
        view: str = STATIC,
    ) -> None:
        self.path = here(path)
        self.manifest: Manifest = files.read_manifest(self.path)
        self.view = {each.key: each for each in self.manifest.views}.get(view, View(key=view))
        self.set_aside = dict(set_aside or {})
        self._facts: dict[str, TrialFacts] = {}
        self._hits: dict[str, NDArray[np.int32]] = {}
        self._fastest: dict[str, FloatArray | None] = {}
        self._places = functools.cache(self._list_places)
        self._builds = {build.key: build for build in self.manifest.builds}

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
            self.answers(trial, ids=False)
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
        """What a trial answered; its ids are read when they are first asked for, or never."""
        rows = self.rows(trial, ["hits", "ratio", "latency_ns", "filter_ns"])
        facts, m = self.facts(trial), len(rows.hits)
        batch = facts.batch
        found = StoredAnswers.of(
            functools.partial(self.rows, trial, ["ids", "place"]) if ids else lambda: rows,
            functools.partial(self._places, trial.k),
            k=trial.k,
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
                phases=facts.phases,
            ),
            disturbed=tuple(each.disturbed for each in facts.passes),
            allowed=self.ground_truth.allowed,
            may_repeat=facts.duplicates > 0,
        )
        # Files are read once where both are asked for.
        self._hits.setdefault(trial.key, rows.hits)
        if trial.key not in self._fastest:
            timed = found.latency_ns.size > 0
            self._fastest[trial.key] = best_of_repeats(found) if timed else None
        return found

    def _list_places(self, k: int) -> Places:
        """Places of the exact list itself, (m, k): the same for all trials of this K."""
        metric, rule = self.manifest.dataset.metric, self.manifest.options.rule
        return list_places(self.ground_truth.distances, k, metric, rule)[:, :k]

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
