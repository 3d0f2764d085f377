"""What a run holds results of: variants of indexes, and their settings; how both are named."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vbench._document import Params
from vbench.measures.curve import Curve, curve
from vbench.numbers import count
from vbench.runs import digests
from vbench.runs.loads import label_load
from vbench.runs.schema import USUAL_LOAD, Load, Trial

if TYPE_CHECKING:
    from vbench.measures.answers import Answers
    from vbench.runs.run import Run


@dataclass(frozen=True, eq=False)
class Variant:
    """One index with one set of build parameters, in its run: what one line of a chart connects.

    Attributes
    ----------
    title
        What the index is called: its name, and the transform of the space that it searches.
    varying
        Build parameters in which it differs from others of the same run and index.
    """

    run: Run
    index: str
    build: Params
    title: str
    varying: tuple[str, ...]

    @property
    def parameters(self) -> str:
        """The build parameters that tell it from others, as people read them."""
        return spell({name: self.build[name] for name in self.varying if name in self.build})

    @property
    def identity(self) -> str:
        """Equal for the same index built in the same way, whatever the run."""
        return f"{self.index} {spell(dict(sorted(self.build.items())))}"

    def __str__(self) -> str:
        return f"{self.title} {self.parameters}".strip()


@dataclass(frozen=True, eq=False)
class Setting:
    """One variant with one set of search parameters, one K and one load, over its builds.

    It equals the same setting of the same folder, opened again.

    Attributes
    ----------
    trials
        One for each build that left a result.
    others
        Later settings that answer exactly as this one does: :func:`merge_same`.
    id
        How charts and tables of a report refer to it.
    """

    variant: Variant
    search: Params
    k: int
    trials: tuple[Trial, ...]
    load: Load = USUAL_LOAD
    others: tuple[Setting, ...] = ()
    id: str = ""

    @functools.cached_property
    def _identity(self) -> tuple[object, ...]:
        trials = tuple(trial.key for trial in self.trials)
        of_index = (self.variant.identity, spell(self.search), self.k, self.load.key)
        folder = (self.run.path.resolve(), self.run.view.key)
        return folder, of_index, trials, self.others, self.id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Setting) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def run(self) -> Run:
        """The run that holds it."""
        return self.variant.run

    @property
    def index(self) -> str:
        """Name of the index."""
        return self.variant.index

    @property
    def title(self) -> str:
        """What the index is called."""
        return self.variant.title

    @property
    def build(self) -> Params:
        """All build parameters."""
        return self.variant.build

    @property
    def space(self) -> str | None:
        """The transform of the space that it was searched in, if any."""
        return self.run.space(self.trials[0])

    @property
    def label(self) -> str:
        """What tells it from other settings of its index: its parameters, and its load."""
        shown = join_values([each.search for each in (self, *self.others)])
        words = (self.variant.parameters, spell(shown), label_load(self.load))
        return " ".join(filter(None, words))

    @property
    def parameters(self) -> str:
        """Every parameter, of the build and of the search."""
        return spell({**self.build, **self.search})

    def __str__(self) -> str:
        return f"{self.title} {self.label}".strip()

    def __repr__(self) -> str:
        return f"<Setting {self} K={self.k}: {count(len(self.trials), 'builds')}>"

    @functools.cached_property
    def hits(self) -> NDArray[np.int32]:
        """Hits of every query in every build, int32 (builds, m), as :meth:`Run.hits` has them."""
        return np.stack([self.run.hits(trial) for trial in self.trials])

    @functools.cached_property
    def recall(self) -> float:
        """Mean recall over builds and the queries that have something to find."""
        possible = self.run.possible(self.k)
        if possible is None:
            return float(self.hits.mean()) / self.k
        some = possible > 0
        hits = np.stack([each.hits for each in self.answers(ids=False)])
        return float((hits[:, some] / possible[some]).mean())

    @functools.cached_property
    def curve(self) -> Curve:
        """Robustness at every threshold."""
        return curve(self.hits, self.k)

    def answers(self, *, ids: bool = True) -> list[Answers]:
        """What each build answered; without `ids` in less time, for measures of hits and cost."""
        return [self.run.answers(trial, ids=ids) for trial in self.trials]


def spell(parameters: Params) -> str:
    """Parameters as people read them: ``M=16 ef=64``."""
    return " ".join(f"{name}={value}" for name, value in parameters.items())


def join_values(parameters: Sequence[Params]) -> Params:
    """Several sets of parameters as one: where they differ, all values in one text."""
    joined = {}
    for name in dict.fromkeys(name for each in parameters for name in each):
        values = list(dict.fromkeys(str(each.get(name, "–")) for each in parameters))
        joined[name] = parameters[0].get(name) if len(values) == 1 else ", ".join(values)
    return joined


def by_variant(settings: Sequence[Setting]) -> dict[Variant, list[Setting]]:
    """The settings of each variant, in their order."""
    groups: dict[Variant, list[Setting]] = {}
    for setting in settings:
        groups.setdefault(setting.variant, []).append(setting)
    return groups


def merge_same(settings: Sequence[Setting]) -> list[Setting]:
    """The settings, those with identical answers as one that names the `others`, in their order."""
    groups: dict[Any, list[Setting]] = {}
    for setting in settings:
        groups.setdefault(_answers_of(setting), []).append(setting)
    return [
        dataclasses.replace(first, others=tuple(others)) if others else first
        for first, *others in groups.values()
    ]


def same_as(settings: Sequence[Setting]) -> dict[Setting, str]:
    """Name of the first setting that answers alike, for each that is not the first."""
    return {
        other: str(dataclasses.replace(each, others=()))
        for each in merge_same(settings)
        for other in each.others
    }


def _answers_of(setting: Setting) -> Any:
    """What is equal for settings that cannot be told apart by their answers."""
    run = setting.run
    builds = sorted((run.build_of(trial).number, _digest(run, trial)) for trial in setting.trials)
    return setting.variant, setting.k, setting.load.key, tuple(builds)


def _digest(run: Run, trial: Trial) -> str:
    """Digest of a trial's ids; its key, where they were not recorded."""
    if known := run.facts(trial).answers:
        return known
    ids = run.rows(trial, ["ids"]).ids
    return trial.key if ids is None else digests.of_array(ids.astype(np.int64))
