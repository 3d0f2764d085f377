"""Pairs for a gate: every setting with itself, and what one side planned and the other lacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from vbench._invocation import spell_option
from vbench.errors import VbenchError
from vbench.runs.failed import Gap, find_gaps
from vbench.runs.pairing import Pair, check_not_same, check_same_data, match_up, within
from vbench.runs.run import Run
from vbench.runs.selection import match, select
from vbench.runs.settings import Setting, by_variant, spell


class Likes(NamedTuple):
    """What a gate compares, and what it cannot since a side has no result."""

    pairs: list[Pair]
    gaps: list[Gap]


def pair_likes(
    runs: Sequence[Run],
    baseline: str | None = None,
    candidate: str | None = None,
    settings: Sequence[str] = (),
    ks: Sequence[int] = (),
) -> Likes:
    """Pair each planned setting with the same one of the other side, at the given K or at all.

    Other settings are paired where they were asked for by their parameters, where the two sides
    are other indexes with one setting each, or where both were brought to the same mean recall.

    Raises
    ------
    VbenchError
        As :func:`vbench.runs.pairing.pairs`, and for other indexes of several settings each.
    """
    for other in runs[1:]:
        check_same_data(runs[0], other)
    explicit = any("=" in (name or "") for name in (baseline, candidate))
    planned = [
        [each for each in select(run, settings, planned=True) if not ks or each.k in ks]
        for run in runs
    ]
    found = Likes([], [])
    if len(runs) == 1:
        for (_, first), (_, second) in within(planned[0], baseline, candidate):
            _add(found, first, second, explicit=explicit)
    for run, of_run in zip(runs[1:], planned[1:], strict=True):
        first, second = match(planned[0], baseline), match(of_run, candidate)
        for a, b in _variants(first, second, explicit=explicit):
            if a and b:
                _add(found, a, b, explicit=explicit)
                continue
            where = f"not planned in {(run if a else runs[0]).path}"
            found.gaps.extend(Gap(each, where) for each in (a or b) if each.trials)
            found.gaps.extend(find_gaps(each for each in (a or b) if not each.trials))
    found.gaps.extend(find_gaps(pair.candidate for pair in found.pairs))
    return found


def _variants(
    first: Sequence[Setting], second: Sequence[Setting], *, explicit: bool
) -> Iterator[tuple[list[Setting], list[Setting]]]:
    """The settings of equal variants of both sides; of a variant of one side alone, with none."""
    a, b = by_variant(first), by_variant(second)
    if len(a) == len(b) == 1:
        (one,), (other,) = a, b
        if explicit or one.index != other.index:
            yield a[one], b[other]
            return
    of_b = {variant.identity: settings for variant, settings in b.items()}
    of_a = {variant.identity: settings for variant, settings in a.items()}
    if not {each.index for each in a} & {each.index for each in b}:
        raise VbenchError(
            f"{first[0].run.path} holds {', '.join(map(str, a))} and {second[0].run.path} holds "
            f"{', '.join(map(str, b))}; "
            f"say which with {spell_option('baseline')} and {spell_option('candidate')}"
        )
    for identity in dict.fromkeys([*of_a, *of_b]):
        yield of_a.get(identity, []), of_b.get(identity, [])


def _add(
    found: Likes, first: Sequence[Setting], second: Sequence[Setting], *, explicit: bool
) -> None:
    """Add the pairs and gaps of two variants, for each K."""
    other_index = first[0].index != second[0].index
    levels = [side[0].run.manifest.options.at_recall for side in (first, second)]
    for k in sorted({each.k for each in (*first, *second)}):
        a, b = ({_key(each): each for each in side if each.k == k} for side in (first, second))
        if a and b and not a.keys() & b.keys() and (explicit or other_index):
            if len(a) == len(b) == 1:
                a, b = ({"": next(iter(side.values()))} for side in (a, b))
            elif levels[0] is None:
                raise VbenchError(
                    f"a gate compares like settings; {_list(a.values())} and {_list(b.values())} "
                    f"are not: name one of each with {spell_option('baseline')} and "
                    f"{spell_option('candidate')}"
                )
        if a and b and levels[0] is not None and levels[0] == levels[1]:
            answered = [[each for each in side.values() if each.trials] for side in (a, b)]
            pairs = match_up(*answered) if all(answered) else []
        else:
            both = [(a[key], b[key]) for key in a if key in b]
            pairs = [Pair(*each) for each in both if all(side.trials for side in each)]
            for side, others, run in ((a, b, second[0].run), (b, a, first[0].run)):
                alone = [each for key, each in side.items() if key not in others and each.trials]
                found.gaps.extend(Gap(each, f"not planned in {run.path}") for each in alone)
        found.gaps.extend(find_gaps(each for each in (*a.values(), *b.values()) if not each.trials))
        check_not_same(pairs)
        found.pairs.extend(pairs)


def _key(setting: Setting) -> str:
    """Equal for equal search parameters: 1 and 1.0 are."""
    numbers = {
        name: float(value) if isinstance(value, int) and not isinstance(value, bool) else value
        for name, value in setting.search.items()
    }
    return spell(dict(sorted(numbers.items())))


def _list(settings: Iterable[Setting]) -> str:
    return ", ".join(map(str, settings))
