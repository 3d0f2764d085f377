"""Which setting is compared with which: by name, by common settings, at equal recall."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vbench.data.dataset import Truth
from vbench.errors import VbenchError
from vbench.runs.run import Run
from vbench.runs.sides import Pair, Side, Variant, named, variants

EQUAL = 0.005
"""Mean recalls closer than this count as equal, as `--at-recall` has it."""
USUAL_RECALL = 0.9
TIED = 1e-9


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
        As :func:`vbench.runs.sides.variants` takes them.

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
        first = named(variants(runs[0], settings), baseline)
        chosen = [
            pair
            for run in runs[1:]
            for pair in _across(first, named(variants(run, settings), candidate))
        ]
    return [pair for a, b in chosen for pair in _settings_of(a, b)]


def _within(
    found: list[Variant], baseline: str | None, candidate: str | None
) -> list[tuple[Variant, Variant]]:
    """The baseline against the candidates of the same run."""
    second = named(found, candidate) if candidate is not None else None
    if baseline is not None:
        first = named(found, baseline)
    else:
        taken = [each.identity for each in second or []]
        first = [each for each in found if each.identity not in taken][:1]
    if not first or (second is None and len(found) == 1):
        names = [str(Side(each, setting)) for each in found for setting in each.settings]
        if len(set(names)) == 1:
            raise VbenchError(
                f"{found[0].run.path} holds {names[0]} alone, which cannot be compared with "
                "itself; give a second run, or measure more settings with --set or --index"
            )
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
            f"{first.path} and {other.path} were scored against different exact neighbors of "
            "the same vectors; run the older one again with --fresh"
        )


def _same_truth(first: Truth, other: Truth) -> bool:
    """Whether two truths agree as deep as both go; tied neighbors may stand in any order."""
    depth = min(first.depth, other.depth)
    distances = first.distances[:, :depth]
    gap = np.diff(distances, axis=1) <= TIED * np.abs(distances[:, 1:])
    tied = np.zeros(distances.shape, dtype=bool)
    tied[:, 1:] |= gap
    tied[:, :-1] |= gap
    tied[:, -1] = True
    return bool((tied | (first.ids[:, :depth] == other.ids[:, :depth])).all())
