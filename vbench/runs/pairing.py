"""Which setting is compared with which: by name, by common settings, at equal recall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vbench._invocation import spell_option
from vbench.data.dataset import GroundTruth
from vbench.errors import VbenchError
from vbench.measures import usual
from vbench.runs.failed import refuse_unanswered
from vbench.runs.run import Run
from vbench.runs.selection import match, select
from vbench.runs.settings import Setting, Variant, by_variant

TIED = 1e-9
Group = tuple[Variant, Sequence[Setting]]
"""A variant, and those of its settings that may be compared."""


@dataclass(frozen=True, eq=False)
class Pair:
    """What is compared with what. `names` tell the two apart even where both are called alike.

    Attributes
    ----------
    masks
        The same pair under the other masks of its filter.
    """

    baseline: Setting
    candidate: Setting
    masks: tuple[Pair, ...] = ()

    @property
    def sides(self) -> tuple[Setting, Setting]:
        """Baseline and candidate."""
        return self.baseline, self.candidate

    @property
    def k(self) -> int:
        """Cutoff of both."""
        return self.baseline.k

    @property
    def names(self) -> tuple[str, str]:
        """The sides' names, with the runs' where both sides have the same."""
        a, b = map(str, self.sides)
        if a != b:
            return a, b
        paths = [side.run.path.resolve() for side in self.sides]
        same_name = paths[0].name == paths[1].name
        of_run = [str(path) if same_name else path.name for path in paths]
        return f"{a} ({of_run[0]})", f"{b} ({of_run[1]})"


def pairs(
    runs: Sequence[Run],
    baseline: str | None = None,
    candidate: str | None = None,
    settings: Sequence[str] = (),
) -> list[Pair]:
    """Pair the settings that are to be compared.

    Of one run, one index is compared with the others; of several, the first run with each of
    the others. An index that has the same settings on both sides is compared at each of them,
    other indexes at the settings of nearest mean recall.

    Parameters
    ----------
    baseline, candidate
        An index, with parameters where that is not enough: ``hnsw``, ``hnsw M=16 ef=64``.
    settings
        As :func:`vbench.runs.selection.select` takes them.

    Raises
    ------
    VbenchError
        When names fit nothing or too much, or the runs hold different data, ground truth or K.
    """
    for other in runs[1:]:
        check_same_data(runs[0], other)
    if len(runs) == 1:
        chosen = within(select(runs[0], settings), baseline, candidate)
    else:
        first = _groups(match(select(runs[0], settings), baseline))
        chosen = [
            pair
            for run in runs[1:]
            for pair in _across(first, _groups(match(select(run, settings), candidate)))
        ]
    return [pair for a, b in chosen for pair in _settings_of(a, b)]


def _groups(settings: Sequence[Setting]) -> list[Group]:
    return list(by_variant(settings).items())


def within(
    settings: list[Setting], baseline: str | None, candidate: str | None
) -> list[tuple[Group, Group]]:
    """The baseline against the candidates of the same run."""
    every = _groups(settings)
    second = None if candidate is None else _groups(match(settings, candidate))
    if baseline is not None:
        first = _groups(match(settings, baseline))
    else:
        taken = [variant for variant, _ in second or []]
        first = [each for each in every if each[0] not in taken][:1]
    if not first or (second is None and len(every) == 1):
        shown = {each.index for each in settings}
        lost = settings[0].run.unanswered()
        refuse_unanswered(each for each in lost if each.index not in shown)
        names = list(map(str, settings))
        if len(set(names)) == 1:
            raise VbenchError(
                f"{settings[0].run.path} holds {names[0]} alone, which cannot be compared with "
                "itself; give a second run, or measure more settings with "
                f"{spell_option('settings')} or {spell_option('indexes')}"
            )
        raise VbenchError(
            "one index cannot be compared with itself; give a second run, or two settings of "
            f"this one: {spell_option('baseline', names[0])} "
            f"{spell_option('candidate', names[-1])}"
        )
    if len(first) > 1:
        raise VbenchError(
            f"{spell_option('baseline', baseline)} names several: {_list(first)}; name one of them"
        )
    if second is None:
        second = [each for each in every if each[0] is not first[0][0]]
    return [(first[0], each) for each in second]


def _across(first: Sequence[Group], second: Sequence[Group]) -> list[tuple[Group, Group]]:
    """The variants of one run against those of another: the same index, or the only one."""
    if len(first) == len(second) == 1:
        return [(first[0], second[0])]
    by_identity = [[variant.identity for variant, _ in side] for side in (first, second)]
    by_index = [[variant.index for variant, _ in side] for side in (first, second)]
    for keys_a, keys_b in (by_identity, by_index):
        common = [key for key in keys_a if keys_a.count(key) == keys_b.count(key) == 1]
        if common:
            return [(first[keys_a.index(key)], second[keys_b.index(key)]) for key in common]
    if len(first) == 1:
        return [(first[0], each) for each in second]
    paths = [side[0][0].run.path for side in (first, second)]
    raise VbenchError(
        f"{paths[0]} holds {_list(first)} and {paths[1]} holds {_list(second)}; "
        f"say which with {spell_option('baseline')} and {spell_option('candidate')}"
    )


def _list(groups: Sequence[Group]) -> str:
    return ", ".join(str(variant) for variant, _ in groups)


def _settings_of(a: Group, b: Group) -> list[Pair]:
    """The settings of two variants that are compared, for every K that both have."""
    ks = [{setting.k for setting in settings} for _, settings in (a, b)]
    common = sorted(ks[0] & ks[1])
    if not common:
        held = [", ".join(map(str, sorted(each))) for each in ks]
        raise VbenchError(
            f"{a[0]} has K={held[0]} and {b[0]} has K={held[1]}; only results at the same K compare"
        )
    found: list[Pair] = []
    for k in common:
        found += match_up(*([each for each in settings if each.k == k] for _, settings in (a, b)))
    check_not_same(found)
    return found


def check_not_same(found: Sequence[Pair]) -> None:
    """Raise where a setting is paired with itself."""
    if any(_is_same(pair.baseline, pair.candidate) for pair in found):
        raise VbenchError(
            f"baseline and candidate are the same results, {found[0].baseline}; name two settings"
        )


def match_up(first: Sequence[Setting], second: Sequence[Setting]) -> list[Pair]:
    """Settings of two variants at one K: the only ones, the common ones, or the nearest."""
    if len(first) == len(second) == 1:
        return [Pair(first[0], second[0])]
    common = [
        Pair(a, b) for a in first for b in second if a.search == b.search and not _is_same(a, b)
    ]
    if common:
        return common
    return [min((Pair(a, b) for a in first for b in second), key=_unevenness)]


def _is_same(a: Setting, b: Setting) -> bool:
    """Whether both are the very same files."""
    return a.run.path.resolve() == b.run.path.resolve() and a.trials == b.trials


def _unevenness(pair: Pair) -> tuple[float, float]:
    """How far apart two mean recalls are; where they count as equal, how far from the usual."""
    a, b = pair.baseline.recall, pair.candidate.recall
    target = pair.baseline.run.manifest.options.at_recall or usual.RECALL
    return max(abs(a - b), usual.MATCHED), abs((a + b) / 2 - target)


def check_same_data(first: Run, other: Run) -> None:
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
            f"{b.options.rule!r}; run one of them again with the other's "
            f"{spell_option('recall_rule')}"
        )
    if not _is_same_ground_truth(first.ground_truth, other.ground_truth):
        raise VbenchError(
            f"{first.path} and {other.path} were scored against different exact neighbors of "
            f"the same vectors; run the older one again with {spell_option('fresh', True)}"
        )


def _is_same_ground_truth(first: GroundTruth, other: GroundTruth) -> bool:
    """Whether the two agree as deep as both go; tied neighbors may stand in any order."""
    depth = min(first.depth, other.depth)
    distances = first.distances[:, :depth]
    gap = np.diff(distances, axis=1) <= TIED * np.abs(distances[:, 1:])
    tied = np.zeros(distances.shape, dtype=bool)
    tied[:, 1:] |= gap
    tied[:, :-1] |= gap
    tied[:, -1] = True
    return bool((tied | (first.ids[:, :depth] == other.ids[:, :depth])).all())
