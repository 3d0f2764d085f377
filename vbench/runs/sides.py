"""The sides of a comparison: indexes and settings of a run, and the names that people give them."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vbench.errors import UnknownNameError, VbenchError
from vbench.measures.answers import Answers
from vbench.runs.run import Run
from vbench.runs.setting import Setting, spelt


@dataclass(frozen=True, eq=False)
class Variant:
    """One index with one set of build parameters: a line of a run's plot."""

    run: Run
    index: str
    build: dict[str, Any]
    settings: tuple[Setting, ...]
    varying: tuple[str, ...]
    """Build parameters in which it differs from others of the same run and index."""

    def __str__(self) -> str:
        shown = {name: self.build[name] for name in self.varying if name in self.build}
        return f"{self.index}{self._in_space} {spelt(shown)}".strip()

    @property
    def _in_space(self) -> str:
        """The transform in which it was searched, as it stands behind its name."""
        space = self.run.space(self.settings[0])
        return f" ({space})" if space else ""

    @property
    def identity(self) -> str:
        """Equal for the same index built in the same way, whatever the run."""
        return f"{self.index} {spelt(dict(sorted(self.build.items())))}"


@dataclass(frozen=True, eq=False)
class Side:
    """One setting of one variant, as it stands in a comparison."""

    variant: Variant
    setting: Setting

    def __str__(self) -> str:
        return f"{self.variant} {spelt(self.setting.setting)}".strip()

    @functools.cached_property
    def answers(self) -> list[Answers]:
        """What each build answered."""
        return [self.variant.run.answers(trial) for trial in self.setting.trials]

    @functools.cached_property
    def recall(self) -> float:
        """Mean recall over queries and builds."""
        return float(np.mean(self.variant.run.hits(self.setting))) / self.setting.k


@dataclass(frozen=True, eq=False)
class Pair:
    """What is compared with what. `names` tell the two apart even where both are called alike."""

    baseline: Side
    candidate: Side

    @property
    def k(self) -> int:
        """Cutoff of both."""
        return self.baseline.setting.k

    @property
    def names(self) -> tuple[str, str]:
        """The sides' names, with the runs' where both sides have the same."""
        a, b = str(self.baseline), str(self.candidate)
        if a != b:
            return a, b
        paths = [side.variant.run.path.resolve() for side in (self.baseline, self.candidate)]
        same_name = paths[0].name == paths[1].name
        of_run = [str(path) if same_name else path.name for path in paths]
        return f"{a} ({of_run[0]})", f"{b} ({of_run[1]})"


def variants(run: Run, settings: Sequence[str] = ()) -> list[Variant]:
    """The variants of a run, in the order of its plan.

    Parameters
    ----------
    settings
        Values to keep, such as ``ef=64``; several for one parameter are alternatives.

    Raises
    ------
    VbenchError
        When the run has no finished trial, or nothing has such a value.
    """
    finished = run.settings()
    if not finished:
        raise VbenchError(f"{run.path} has no finished trial; give the same `vbench run` again")
    wanted = _wanted(settings)
    groups: dict[tuple[str, str], list[Setting]] = {}
    for setting in finished:
        groups.setdefault((setting.index, repr(setting.build)), []).append(setting)
    kept = [
        _variant(run, group, finished, wanted)
        for group in groups.values()
        if any(_has(setting, wanted) for setting in group)
    ]
    if not kept:
        raise VbenchError(
            f"nothing in {run.path} has {' or '.join(settings)}; it holds: "
            + ", ".join(dict.fromkeys(spelt(each.setting) for each in finished))
        )
    return kept


def _variant(
    run: Run, group: Sequence[Setting], finished: Sequence[Setting], wanted: Mapping[str, set[str]]
) -> Variant:
    index, build = group[0].index, group[0].build
    others = [setting.build for setting in finished if setting.index == index]
    varying = tuple(name for name in build if len({repr(other.get(name)) for other in others}) > 1)
    kept = tuple(setting for setting in group if _has(setting, wanted))
    return Variant(run, index, build, kept, varying)


def _wanted(texts: Iterable[str]) -> dict[str, set[str]]:
    wanted: dict[str, set[str]] = {}
    for text in itertools.chain.from_iterable(each.split() for each in texts):
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise VbenchError(f"{text!r} is not name=value, such as ef=64")
        wanted.setdefault(name, set()).add(value)
    return wanted


def _has(setting: Setting, wanted: Mapping[str, set[str]]) -> bool:
    """Whether it has the wanted values of the parameters it takes, and takes one at least."""
    given = {**setting.build, **setting.setting}
    concerned = [name for name in wanted if name in given]
    return (not wanted or bool(concerned)) and all(
        any(_equal(given[name], text) for text in wanted[name]) for name in concerned
    )


def _equal(value: Any, text: str) -> bool:
    if str(value).lower() == text.lower():
        return True
    try:
        return not isinstance(value, str) and float(value) == float(text)
    except (TypeError, ValueError):
        return False


def named(found: Sequence[Variant], name: str | None) -> list[Variant]:
    """The variants that `name` fits, each with the settings that it fits."""
    if name is None:
        return list(found)
    # As tables show it: the transform stands behind the index.
    words = [word for word in name.split() if not re.fullmatch(r"\(\S+\)", word)]
    index = " ".join(word for word in words if "=" not in word)
    wanted = _wanted(word for word in words if "=" in word)
    known = list(dict.fromkeys(each.index for each in found))
    if index not in known:
        raise UnknownNameError("index of the run", index, known)
    fitting = []
    for each in found:
        kept = [setting for setting in each.settings if _all(setting, wanted)]
        if each.index == index and kept:
            fitting.append(Variant(each.run, index, each.build, tuple(kept), each.varying))
    if not fitting:
        held = dict.fromkeys(
            spelt({**setting.build, **setting.setting})
            for each in found
            if each.index == index
            for setting in each.settings
        )
        raise VbenchError(f"no setting of the run fits {name!r}; {index} has: {', '.join(held)}")
    return fitting


def _all(setting: Setting, wanted: Mapping[str, set[str]]) -> bool:
    return set(wanted) <= {*setting.build, *setting.setting} and _has(setting, wanted)
