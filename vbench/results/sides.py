"""Which setting is compared with which: names given by a person, common settings, equal recall."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vbench.data.dataset import Truth
from vbench.errors import UnknownNameError, VbenchError
from vbench.measures.answers import Answers
from vbench.results.run import Run, Setting, spelt

EQUAL = 0.005
"""Mean recalls closer than this count as equal, as `--at-recall` has it."""
USUAL_RECALL = 0.9
TIED = 1e-9


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
        return f"{self.index} {spelt(shown)}".strip()

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


def pairs(
    runs: Sequence[Run],
    baseline: str | None = None,
    candidate: str | None = None,
    settings: Sequence[str] = (),
) -> list[Pair]:
    """Pair the settings that are to be compared.

    Of one run, one index is held against the others; of several, the first run against each of
    the others. An index that has the same settings on both sides is compared at each of them,
    other indexes at the settings of nearest mean recall.

    Parameters
    ----------
    baseline, candidate
        An index, with parameters where that is not enough: ``hnsw``, ``hnsw M=16 ef=64``.
    settings
        As :func:`variants` takes them.

    Raises
    ------
    VbenchError
        When names fit nothing or too much, or the runs hold different data, truth or K.
    """
    for other in runs[1:]:
        _check_same_data(runs[0], other)
    if len(runs) == 1:
        chosen = _within(variants(runs[0], settings), baseline, candidate)
    else:
        first = _named(variants(runs[0], settings), baseline)
        chosen = [
            pair
            for run in runs[1:]
            for pair in _across(first, _named(variants(run, settings), candidate))
        ]
    return [pair for a, b in chosen for pair in _settings_of(a, b)]


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


def _named(found: Sequence[Variant], name: str | None) -> list[Variant]:
    """The variants that `name` fits, each with the settings that it fits."""
    if name is None:
        return list(found)
    words = name.split()
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


def _within(
    found: list[Variant], baseline: str | None, candidate: str | None
) -> list[tuple[Variant, Variant]]:
    """The baseline against the candidates of the same run."""
    second = _named(found, candidate) if candidate is not None else None
    if baseline is not None:
        first = _named(found, baseline)
    else:
        taken = [each.identity for each in second or []]
        first = [each for each in found if each.identity not in taken][:1]
    if not first or (second is None and len(found) == 1):
        names = [str(Side(each, setting)) for each in found for setting in each.settings]
        raise VbenchError(
            "one index cannot be compared with itself; give a second run, or two settings of "
            f"this one: --baseline {names[0]!r} --candidate {names[-1]!r}"
        )
    if len(first) > 1:
        raise VbenchError(
            f"--baseline {baseline!r} names several: {', '.join(map(str, first))}; name one of them"
        )
    if second is None:
        second = [each for each in found if each.identity != first[0].identity]
    return [(first[0], each) for each in second]


def _across(first: Sequence[Variant], second: Sequence[Variant]) -> list[tuple[Variant, Variant]]:
    """The variants of one run against those of another: the same index, or the only one."""
    if len(first) == len(second) == 1:
        return [(first[0], second[0])]
    by_identity = [[each.identity for each in side] for side in (first, second)]
    by_index = [[each.index for each in side] for side in (first, second)]
    for keys_a, keys_b in (by_identity, by_index):
        common = [key for key in keys_a if keys_a.count(key) == keys_b.count(key) == 1]
        if common:
            return [(first[keys_a.index(key)], second[keys_b.index(key)]) for key in common]
    if len(first) == 1:
        return [(first[0], each) for each in second]
    raise VbenchError(
        f"{first[0].run.path} holds {', '.join(map(str, first))} and {second[0].run.path} holds "
        f"{', '.join(map(str, second))}; say which with --baseline and --candidate"
    )


def _settings_of(a: Variant, b: Variant) -> list[Pair]:
    """The settings of two variants that are compared, for every K that both have."""
    ks = [{setting.k for setting in each.settings} for each in (a, b)]
    common = sorted(ks[0] & ks[1])
    if not common:
        held = [", ".join(map(str, sorted(each))) for each in ks]
        raise VbenchError(
            f"{a} has K={held[0]} and {b} has K={held[1]}; only results at the same K compare"
        )
    found: list[Pair] = []
    for k in common:
        sides_a, sides_b = (
            [Side(each, setting) for setting in each.settings if setting.k == k] for each in (a, b)
        )
        found += _matched(sides_a, sides_b)
    if any(_same(pair.baseline, pair.candidate) for pair in found):
        raise VbenchError(
            f"baseline and candidate are the same results, {found[0].baseline}; name two settings"
        )
    return found


def _matched(first: Sequence[Side], second: Sequence[Side]) -> list[Pair]:
    if len(first) == len(second) == 1:
        return [Pair(first[0], second[0])]
    common = [
        Pair(a, b)
        for a in first
        for b in second
        if a.setting.setting == b.setting.setting and not _same(a, b)
    ]
    if common:
        return common
    return [min((Pair(a, b) for a in first for b in second), key=_unevenness)]


def _same(a: Side, b: Side) -> bool:
    """Whether both sides are the very same files."""
    paths = (a.variant.run.path.resolve(), b.variant.run.path.resolve())
    return paths[0] == paths[1] and a.setting.trials == b.setting.trials


def _unevenness(pair: Pair) -> tuple[float, float]:
    """How far apart two mean recalls are; where they count as equal, how far from the usual."""
    a, b = pair.baseline.recall, pair.candidate.recall
    target = pair.baseline.variant.run.manifest.options.at_recall or USUAL_RECALL
    return max(abs(a - b), EQUAL), abs((a + b) / 2 - target)


def _check_same_data(first: Run, other: Run) -> None:
    """Raise unless two runs asked the same queries of the same vectors under the same rule."""
    a, b = first.manifest, other.manifest
    if a.dataset.fingerprint != b.dataset.fingerprint:
        raise VbenchError(
            f"{first.path} is of {a.dataset.name} ({a.dataset.fingerprint[:8]}) and {other.path} "
            f"of {b.dataset.name} ({b.dataset.fingerprint[:8]}): other vectors; "
            "only runs on the same data compare"
        )
    if a.options.rule != b.options.rule:
        raise VbenchError(
            f"{first.path} counts hits by the rule {a.options.rule!r} and {other.path} by "
            f"{b.options.rule!r}; run one of them again with the other's --recall-rule"
        )
    if not _same_truth(first.truth, other.truth):
        raise VbenchError(
            f"{first.path} and {other.path} were scored against different exact neighbours of "
            "the same vectors; run the older one again with --fresh"
        )


def _same_truth(first: Truth, other: Truth) -> bool:
    """Whether two truths agree as deep as both go; tied neighbours may stand in any order."""
    depth = min(first.depth, other.depth)
    distances = first.distances[:, :depth]
    gap = np.diff(distances, axis=1) <= TIED * np.abs(distances[:, 1:])
    tied = np.zeros(distances.shape, dtype=bool)
    tied[:, 1:] |= gap
    tied[:, :-1] |= gap
    tied[:, -1] = True
    return bool((tied | (first.ids[:, :depth] == other.ids[:, :depth])).all())
