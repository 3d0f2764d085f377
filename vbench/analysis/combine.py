"""Indexes of a run combined from their stored answers: unions, and queries sent to a second."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from vbench._document import Document
from vbench._invocation import spell_option
from vbench.analysis.counting import Counting, Values
from vbench.analysis.document import SettingRow, ViewFacts
from vbench.analysis.fallback import Route, learn_scores, send_on
from vbench.analysis.tail import choose
from vbench.data.dataset import Dataset
from vbench.errors import DamagedFileError, VbenchError
from vbench.measures import usual
from vbench.measures.answers import Answers
from vbench.measures.recall import CVaR, Failure, Recall, Robustness
from vbench.measures.unions import exact_of, unite
from vbench.metric import FloatArray
from vbench.runs import files
from vbench.runs.run import Run
from vbench.runs.schema import Warn
from vbench.runs.settings import Setting
from vbench.runs.vectors import dataset_of
from vbench.runs.views import open_view

SCHEMA = "vbench.combined/1"
EXACT = "exact search"


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What a query costs on average: seconds and distance computations, where they were measured.

    `side_by_side` are the seconds until the later of two is there, if they are asked at once.
    """

    seconds: float | None = None
    work: float | None = None
    side_by_side: float | None = None


class Alone(SettingRow, frozen=True, kw_only=True):
    """One setting by itself."""

    measures: Values
    price: Price


class Union(msgspec.Struct, frozen=True, kw_only=True):
    """Two settings that are both asked; the K nearest of what they return are kept.

    Attributes
    ----------
    first, second
        Names of the settings; the same name twice: two builds of it.
    builds
        How many pairs of builds there are.
    price
        The sum of both: they are asked one after the other.
    rival
        The setting of the run that, for no more, serves most queries well by itself; None where
        the costs are not known.
    """

    first: str
    second: str
    builds: int
    measures: Values
    price: Price
    rival: Alone | None


class Combination(Document, frozen=True, kw_only=True, tag="vbench.combine/1"):
    """The settings of one run, each alone, each two together, and each with a fallback.

    Attributes
    ----------
    delta
        Recall from which on a query counts as well served.
    settings, unions, routes
        Of each index the setting at matched recall, or what was chosen.
    """

    run: str
    dataset: str
    queries: int
    k: int
    delta: float
    view: ViewFacts | None = None
    settings: tuple[Alone, ...]
    unions: tuple[Union, ...]
    routes: tuple[Route, ...]
    warnings: tuple[Warn, ...] = ()


def combine(
    run: Run,
    *,
    indexes: Sequence[str] = (),
    settings: Sequence[str] = (),
    k: int | None = None,
    delta: float = usual.DELTA,
    dataset: Dataset | None = None,
    cluster: str | None = None,
    view: str | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Combination:
    """Combine the indexes of a run; :func:`vbench.combine` says what the arguments mean."""
    run = open_view(run, view)
    if not 0.0 < delta <= 1.0:
        raise VbenchError(f"delta={delta}; give a number above 0, up to 1")
    chosen = choose(run, indexes, settings, k)
    k = chosen[0].k
    measures = (Recall() @ k, Robustness(delta) @ k, CVaR(0.05) @ k, Failure() @ k)
    asked = Counting(measures, delta, run.clusters(cluster))
    given = {each: each.answers() for each in chosen}
    for each in (answers for of in given.values() for answers in of):
        each.need_ids()
    warnings: list[Warn] = []
    try:
        vectors = dataset_of(run, dataset)
    except (VbenchError, OSError) as error:
        if dataset is not None:
            raise
        vectors = None
        warnings.append(_without_vectors(error))
    pairs = list(itertools.combinations_with_replacement(chosen, 2))
    total = len(pairs) + len(chosen)
    rivals = _rivals(run, k, asked)
    unions = []
    for number, (first, second) in enumerate(pairs):
        if progress:
            progress(f"{first} with {second}", number, total)
        if (union := _union(first, second, given, rivals, asked)) is not None:
            unions.append(union)
    routes = []
    for number, first in enumerate(chosen):
        if progress:
            progress(f"after {first}", len(pairs) + number, total)
        scores = None if vectors is None else learn_scores(given[first], vectors, asked)
        both = {
            str(each): _both(given[first], of) for each, of in given.items() if each is not first
        }
        both[EXACT] = list(map(exact_of, given[first]))
        for name, answers in both.items():
            routes += send_on((str(first), name), given[first], answers, scores, asked)
    found = Combination(
        run=str(run.path),
        dataset=run.manifest.dataset.name,
        queries=run.manifest.dataset.m,
        k=k,
        delta=delta,
        view=ViewFacts.from_view(run.view),
        settings=tuple(_alone(each, asked) for each in chosen),
        unions=tuple(unions),
        routes=tuple(routes),
        warnings=tuple(warnings),
    )
    _store(run, chosen, found)
    return found


def _both(first: Sequence[Answers], second: Sequence[Answers]) -> list[Answers]:
    """Of each build what it finds together with a second one."""
    return [unite(a, b) for a, b in zip(first, second, strict=False)]


def _union(
    first: Setting,
    second: Setting,
    given: dict[Setting, list[Answers]],
    rivals: Sequence[Alone],
    asked: Counting,
) -> Union | None:
    if first is second:
        # Two builds of one index; each build stands in one pair, so that pairs are independent.
        builds = given[first]
        united = [unite(*pair) for pair in zip(builds[::2], builds[1::2], strict=False)]
        if not united:
            return None
    else:
        united = _both(given[first], given[second])
    price = _together(first, second)
    return Union(
        first=str(first),
        second=str(second),
        builds=len(united),
        measures=asked.values(united),
        price=price,
        rival=_rival(rivals, price, str(asked.measures[1])),
    )


def _alone(setting: Setting, asked: Counting) -> Alone:
    found = asked.values(setting.answers())
    return Alone.from_setting(setting, measures=found, price=_price(setting))


def _price(setting: Setting) -> Price:
    times = _times(setting)
    work = [setting.run.facts(trial).work for trial in setting.trials]
    known = [each for each in work if each is not None]
    return Price(
        seconds=None if times is None else float(times.mean()),
        work=float(np.mean(known)) if len(known) == len(work) else None,
    )


def _times(setting: Setting) -> FloatArray | None:
    """Seconds of each query, the fastest of its repeats, averaged over builds: (m,)."""
    found = [setting.run.fastest(trial) for trial in setting.trials]
    known = [each for each in found if each is not None]
    return np.mean(known, axis=0) if known and len(known) == len(found) else None


def _together(first: Setting, second: Setting) -> Price:
    a, b = _price(first), _price(second)
    one, other = _times(first), _times(second)
    return Price(
        seconds=None if a.seconds is None or b.seconds is None else a.seconds + b.seconds,
        work=None if a.work is None or b.work is None else a.work + b.work,
        side_by_side=None if one is None or other is None else float(np.maximum(one, other).mean()),
    )


def _rivals(run: Run, k: int, asked: Counting) -> list[Alone]:
    return [_alone(each, asked) for each in run.settings(steps=True) if each.k == k]


def _rival(rivals: Sequence[Alone], price: Price, robustness: str) -> Alone | None:
    """The best of those that cost no more: by time, by distance computations where none is."""

    def is_affordable(other: Price) -> bool:
        if price.seconds is not None:
            return other.seconds is not None and other.seconds <= price.seconds
        return price.work is not None and other.work is not None and other.work <= price.work

    def value(each: Alone) -> float:
        found = each.measures[robustness].value
        return -math.inf if found is None else found

    return max((each for each in rivals if is_affordable(each.price)), key=value, default=None)


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    schema: str
    view: str
    trials: list[str]
    found: Combination


def _store(run: Run, settings: Sequence[Setting], found: Combination) -> None:
    """Leave what was found in the run folder, for its page."""
    trials = [trial.key for each in settings for trial in each.trials]
    kept = _Kept(schema=SCHEMA, view=run.view.key, trials=trials, found=found)
    files.write_json(run.path / files.COMBINED, kept)


def combination_of(run: Run) -> Combination | None:
    """What the last :func:`combine` found of a run in this view, if its trials are still those."""
    path = run.path / files.COMBINED
    known = files.read_json(path)
    if known is None:
        return None
    try:
        kept = msgspec.convert(known, _Kept)
    except msgspec.ValidationError as error:
        raise DamagedFileError(path, str(error), "delete it") from None
    is_current = set(kept.trials) <= {trial.key for trial in run.done}
    return kept.found if kept.view == run.view.key and is_current else None


def _without_vectors(error: Exception) -> Warn:
    return Warn(
        "no vectors",
        str(error),
        "without them nothing is learned from what the answers show",
        f"give them with {spell_option('dataset')}",
        code="no-vectors",
    )
