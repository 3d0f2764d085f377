"""A measure over runs that were made one after another: its values, and where it changed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from vbench._document import Document, Interval
from vbench._tables import Row
from vbench.analysis.document import describe_dataset
from vbench.analysis.gather import name_runs
from vbench.analysis.segments import select_queries
from vbench.analysis.unlike import Change, find_changes
from vbench.errors import VbenchError
from vbench.measures.answers import Answers
from vbench.measures.base import Measure
from vbench.measures.grammar import as_measure
from vbench.measures.recall import Robustness
from vbench.measures.sample import Sample
from vbench.measures.usual import DELTA
from vbench.numbers import Unit, count, write_difference, write_difference_ends
from vbench.runs import digests
from vbench.runs.pairing import Pair
from vbench.runs.run import Run
from vbench.runs.schema import DatasetInfo
from vbench.runs.selection import select
from vbench.runs.settings import Setting, spell
from vbench.runs.views import open_view
from vbench.stats.paired import Difference, compare_builds


class HistoryRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run of the history; `name` is that of its folder, or its path where two are alike."""

    name: str
    path: str
    created: str


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A measure in one run.

    Attributes
    ----------
    identical : whether all builds answer as those of the run before
    changes : what differs from the run before, beside the answers
    """

    run: str
    created: str
    value: float | None
    low: float | None
    high: float | None
    builds: int
    identical: bool = False
    changes: tuple[Change, ...] = ()


class ChangePoint(msgspec.Struct, frozen=True, kw_only=True):
    """A run from which on a measure is another one than before.

    Attributes
    ----------
    before, after : runs on either side, up to the next change
    difference : after less before, with its interval
    p : of the test, times the number of tests of all series (Bonferroni)
    """

    run: str
    before: int
    after: int
    difference: Interval
    p: float
    better: bool
    changes: tuple[Change, ...] = ()


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One measure of one setting, from the oldest run on."""

    measure: str
    unit: Unit
    setting: str
    index: str
    k: int
    points: list[Point]
    changes: list[ChangePoint]
    verdict: str


class History(Document, frozen=True, kw_only=True, tag="vbench.history/1"):
    """A measure over runs, and where it changed.

    Attributes
    ----------
    level : confidence that no change at all is called one, over all series together
    left_out : runs of other data, with the reason
    """

    dataset: DatasetInfo
    level: float
    runs: list[HistoryRun]
    series: list[Series]
    left_out: tuple[str, ...] = ()

    def points(self) -> list[Row]:
        """All points as rows of a table."""
        return [
            {
                "measure": each.measure,
                "setting": each.setting,
                "k": each.k,
                "run": point.run,
                "created": point.created,
                "value": point.value,
                "low": point.low,
                "high": point.high,
                "builds": point.builds,
                "change": point.run in {change.run for change in each.changes},
            }
            for each in self.series
            for point in each.points
        ]


@dataclass(frozen=True)
class _Moment:
    """One run's answers to one setting."""

    run: Run
    setting: Setting
    answers: tuple[Answers, ...]
    prints: tuple[str, ...]
    """Of each build's answers."""


def trace(
    runs: Sequence[Run],
    measures: Sequence[str | Measure] = (),
    settings: Sequence[str] = (),
    *,
    where: Sequence[str] = (),
    view: str | None = None,
    level: float = 0.95,
) -> History:
    """Follow measures through runs of the same data, by the time at which each began.

    A change is where the runs from there on differ from those before, by the comparison of the
    measure itself, paired over the same queries, builds and queries both being chance; a build
    that answers as another one counts once. Of costs each run is one value. It is looked for at
    every run, then on either side (binary segmentation), and with Bonferroni's correction for all
    places in all series: where nothing changed, some change is told with a probability of at most
    1 − `level`.

    Raises
    ------
    VbenchError
        There are no two runs of the same data, or nothing of what is asked for.
    """
    opened = sorted((open_view(run, view) for run in runs), key=lambda run: run.manifest.created)
    if not opened:
        raise VbenchError("no run; give run folders, or a folder that holds some")
    kind = _kind(opened[-1])
    kept = [run for run in opened if _kind(run) == kind and run.settings()]
    if len(kept) < 2:
        raise VbenchError(
            f"{count(len(kept), 'runs')} of the data of the latest one ({opened[-1].path}); a "
            "history needs two or more"
        )
    names = name_runs(tuple(kept))
    moments: dict[tuple[str, int], list[_Moment]] = {}
    for run in kept:
        rows = select_queries(run, where)
        for setting in select(run, settings):
            answers = setting.answers()
            if rows is not None:
                answers = [each.of_queries(rows) for each in answers]
            prints = tuple(_print(run, setting, number) for number in range(len(answers)))
            found = _Moment(run, setting, tuple(answers), prints)
            key = f"{setting.variant.identity} {spell(setting.search)}", setting.k
            moments.setdefault(key, []).append(found)
    followed = [
        (measure, each)
        for each in moments.values()
        for measure in _measures(measures, each[0].setting.k)
        if len(each) > 1
    ]
    if not followed:
        raise VbenchError("no setting is in two runs; name settings that several have")
    tests = sum(len(each) - 1 for _, each in followed)
    return History(
        dataset=describe_dataset(kept[-1]),
        level=level,
        runs=[
            HistoryRun(name=names[run], path=str(run.path), created=run.manifest.created)
            for run in kept
        ],
        series=[_series(*each, names, level, tests) for each in followed],
        left_out=tuple(f"{run.path}: {_why(run, kind)}" for run in opened if run not in kept),
    )


def _kind(run: Run) -> tuple[str, str]:
    return run.manifest.dataset.fingerprint, run.manifest.options.rule


def _why(run: Run, kind: tuple[str, str]) -> str:
    return "nothing is finished" if _kind(run) == kind else "other data, or another recall rule"


def _measures(asked: Sequence[str | Measure], k: int) -> list[Measure]:
    known = list(map(as_measure, asked)) or [Robustness(delta=DELTA, k=k)]
    return [each for each in known if each.cutoff in (None, k)]


def _print(run: Run, setting: Setting, number: int) -> str:
    trial = setting.trials[number]
    if known := run.facts(trial).answers:
        return known
    ids = run.rows(trial, ["ids"]).ids
    return trial.key if ids is None else digests.of_array(ids.astype(np.int64))


def _series(
    measure: Measure,
    moments: Sequence[_Moment],
    names: Mapping[Run, str],
    level: float,
    tests: int,
) -> Series:
    last = moments[-1].setting
    steps = [
        () if at == 0 else tuple(find_changes(Pair(moments[at - 1].setting, each.setting)))
        for at, each in enumerate(moments)
    ]
    points = []
    for at, each in enumerate(moments):
        found = Sample(each.answers, level).estimate(measure)
        points.append(
            Point(
                run=names[each.run],
                created=each.run.manifest.created,
                value=found.value,
                low=found.low,
                high=found.high,
                builds=len(each.answers),
                identical=at > 0 and set(each.prints) == set(moments[at - 1].prints),
                changes=steps[at],
            )
        )
    split = sorted(_split(measure, moments, 0, len(moments), level, tests))
    borders = [0, *(at for at, _ in split), len(moments)]
    changes = []
    for number, (at, p) in enumerate(split, start=1):
        before, after = moments[borders[number - 1] : at], moments[at : borders[number + 1]]
        # What is told is of the runs between this change and its neighbors.
        found_there = _compare(measure, before, after, level)
        changes.append(
            ChangePoint(
                run=names[moments[at].run],
                before=len(before),
                after=len(after),
                difference=Interval(*_ends(found_there)),
                p=min(1.0, p * tests),
                better=(found_there.value > 0) == (measure.better == "higher"),
                changes=steps[at],
            )
        )
    return Series(
        measure=str(measure),
        unit=measure.unit,
        setting=str(last),
        index=last.index,
        k=last.k,
        points=points,
        changes=changes,
        verdict=_say(measure, str(last), points, changes),
    )


def _split(
    measure: Measure, moments: Sequence[_Moment], low: int, high: int, level: float, tests: int
) -> Iterator[tuple[int, float]]:
    """Places of changes among some runs, with p: the clearest one, then those on either side."""
    best = (1.0, 0)
    for at in range(low + 1, high):
        before, after = moments[low:at], moments[at:high]
        if not _are_apart(measure, before, after):
            continue
        p = _compare(measure, before, after, level).p
        if p < best[0]:
            best = (p, at)
    p, at = best
    if p * tests <= 1.0 - level:
        yield at, p
        yield from _split(measure, moments, low, at, level, tests)
        yield from _split(measure, moments, at, high, level, tests)


def _are_apart(measure: Measure, before: Sequence[_Moment], after: Sequence[_Moment]) -> bool:
    """Whether a change may lie between: of answers, only where these differ."""
    if measure.kind == "cost" or measure.is_clocked:
        return True
    return set(before[-1].prints) != set(after[0].prints)


def _compare(
    measure: Measure, before: Sequence[_Moment], after: Sequence[_Moment], level: float
) -> Difference:
    if measure.kind == "cost":
        return compare_builds(_means(measure, before), _means(measure, after), level)
    return measure.difference(*(Sample(_distinct(side), level) for side in (before, after)))


def _means(measure: Measure, moments: Sequence[_Moment]) -> list[float]:
    """The measure of each run that recorded it: a mean over builds."""
    found = []
    for each in moments:
        values = [measure.value(one) for one in each.answers]
        known = [value for value in values if value is not None]
        found += [float(np.mean(known))] if known else []
    return found


def _distinct(moments: Sequence[_Moment]) -> list[Answers]:
    """The builds' answers, of those that are alike one: they are no further evidence."""
    found: dict[str, Answers] = {}
    for each in moments:
        for mark, answers in zip(each.prints, each.answers, strict=True):
            found.setdefault(mark, answers)
    return list(found.values())


def _ends(found: Difference) -> tuple[float | None, ...]:
    ends = (found.value, found.low, found.high)
    return tuple(each if math.isfinite(each) else None for each in ends)


def _say(
    measure: Measure, setting: str, points: Sequence[Point], changes: Sequence[ChangePoint]
) -> str:
    """What became of one series, in a sentence."""
    head = f"{setting}: {measure}"
    if not changes:
        if all(point.identical for point in points[1:]) and measure.kind != "cost":
            return f"{head} is the same, with identical answers in all {len(points)} runs"
        return f"{head}: no change shown in {len(points)} runs"
    parts = []
    for each in changes:
        value = each.difference.value or 0.0
        size = Interval(*(None if end is None else end for end in _span(each.difference)))
        said = (
            f"{'rose' if value > 0 else 'fell'} by "
            f"{write_difference(abs(value), measure.unit, signed=False)} "
            f"{write_difference_ends(size, measure.unit, signed=False)}".rstrip()
            + f" at {each.run}"
        )
        if each.changes:
            said += f" ({', '.join(map(str, each.changes[:3]))})"
        parts.append(said)
    return f"{head} {'; '.join(parts)}"


def _span(found: Interval) -> tuple[float | None, float | None, float | None]:
    """Size of a difference with its ends, turned so that it is positive."""
    if found.value is None or found.value >= 0:
        return found.value, found.low, found.high
    return (
        -found.value,
        None if found.high is None else -found.high,
        None if found.low is None else -found.low,
    )


def say_first(history: History) -> str:
    """What became worse, what better, and that nothing else did."""
    worse = [each for each in history.series if any(not one.better for one in each.changes)]
    better = [each for each in history.series if each.changes and each not in worse]
    rest = len(history.series) - len(worse) - len(better)
    runs = count(len(history.runs), "runs")
    if not worse and not better:
        return f"Nothing changed that {runs} would show."
    said = [each.verdict for each in (*worse, *better)]
    tail = f"; nothing is shown of the other {rest}" if rest else ""
    return f"{'; '.join(said[:4])}{tail}."
