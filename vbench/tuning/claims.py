"""An index is asked to promise a recall, and is then held to it on queries of its own."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vbench._process.text import describe_error
from vbench.analysis.claims import (
    ClaimAudit,
    Deviation,
    Short,
    Status,
    calibrate,
    deviate,
    fall_short,
    wanted_recall,
)
from vbench.analysis.tuning import Halves, Tuning
from vbench.bench.journal import Progress, silent
from vbench.bench.prepare import MeasureOptions
from vbench.bench.reach import Target as Reached
from vbench.bench.reach import reach
from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.indexes.answers import AnswerError
from vbench.indexes.claims import propose
from vbench.indexes.parameters import parameters
from vbench.indexes.protocol import Index, can_claim
from vbench.indexes.recipe import Recipe, load_recipe
from vbench.indexes.registry import resolve
from vbench.measures.answers import Answers
from vbench.measures.recall import Recall, Robustness
from vbench.measures.targets import Target, parse_targets
from vbench.numbers import Unit, write, write_difference, write_difference_ends, write_interval
from vbench.runs.settings import spell
from vbench.tuning.evidence import Evidence, weigh
from vbench.tuning.held_out import PASSES, Asked, HeldOut
from vbench.tuning.tuner import tune

FEWEST = 200
"""Queries: half of them judge, and of fewer little can be said."""


def read_claim(text: str) -> Target:
    """A target that an index may claim: mean recall, or the share of queries with a recall.

    Raises
    ------
    VbenchError
        It is no target, or several, or of something else.
    """
    targets = parse_targets(text)
    target = targets[0]
    if len(targets) > 1 or target.where or not isinstance(target.measure, Recall | Robustness):
        raise VbenchError(
            f"{text!r} is nothing that is audited; give one target of Recall or Robustness, of all "
            "queries, such as 'Recall@10>=0.95'"
        )
    return target


def audit(
    dataset: Dataset,
    index: str | Recipe,
    target: str,
    *,
    settings: Mapping[str, Any] | None = None,
    connect: Mapping[str, str] | None = None,
    windows: int = 20,
    trials: int | None = None,
    level: float = 0.95,
    seed: int = 0,
    out: Path | None = None,
    fresh: bool = False,
    progress: Progress = silent,
) -> ClaimAudit:
    """Hold an index to its claim; :func:`vbench.audit_index` says how.

    Raises
    ------
    VbenchError
        It claims nothing, not this target, or something that is no setting; there are too few
        queries; the target is none that is audited.
    """
    wanted = read_claim(target)
    recipe = load_recipe(index)
    kind = resolve(recipe.adapter)
    if not can_claim(kind):
        raise VbenchError(
            f"index {recipe.name!r} claims nothing: its class has no claim(); any index is tuned "
            "for a target by vbench tune"
        )
    if dataset.m < FEWEST:
        raise VbenchError(
            f"{dataset.m} queries are too few to hold a claim to, half of them held out; give "
            f"{FEWEST} or more"
        )
    given = {
        name: list(values) if isinstance(values, list | tuple) else [values]
        for name, values in (settings or {}).items()
    }
    _check_one_build(kind, given)
    options = MeasureOptions(
        k=_cutoff(wanted), builds=1, repeats=1, seed=seed, connect=connect or {}
    )

    def search() -> Tuning:
        return tune(
            dataset,
            [recipe],
            str(wanted),
            options,
            minimize="Latency(p=50)",
            settings=given,
            trials=trials,
            level=level,
            out=out or Path("results") / f"audit-{recipe.name}-{dataset.fingerprint[:8]}",
            fresh=fresh,
            progress=progress,
        )

    with (
        reach(
            dataset,
            recipe,
            _cutoff(wanted),
            settings=given,
            connect=connect or {},
            place=None,
            seed=seed,
            any_setting=True,
            tell=lambda doing: progress(doing, 0, 0),
        ) as (name, reached),
        _telling(name),
    ):
        proposed = _propose(name, reached, wanted, given)
        progress(f"{name}: asking at what it claims", 0, 0)
        held = HeldOut(dataset, reached, windows, seed)
        claim = _ask_claim(held, reached, proposed)
        tuned = search()
        costs = held.price(wanted, proposed, claim.seconds, claim.answers, tuned, progress)
    answers, estimates = claim.answers, claim.asked.estimates
    recall = np.asarray(answers.hits / answers.k)
    deviation = deviate(wanted, answers, recall, estimates, level)
    short = fall_short(recall, answers.k, wanted_recall(wanted), level)
    evidence = weigh(wanted, [answers], level)
    value = deviate(wanted, answers, recall, None, level).true
    status = judge(evidence, value.high, deviation)
    m = len(recall)
    return ClaimAudit(
        index=name,
        dataset=dataset.name,
        target=str(wanted),
        proposed=proposed,
        queries=Halves(calibration=dataset.m - m, held_out=m),
        seed=seed,
        level=level,
        measure=deviation.measure,
        claimed=deviation.claimed,
        true=deviation.true,
        deviation=deviation.difference,
        value=value,
        bound=evidence.bound if evidence.bound and np.isfinite(evidence.bound) else None,
        under=short.share,
        shortfall=short.mean,
        calibration=None
        if estimates is None
        else calibrate(recall, estimates, held.sizes(m), level),
        costs=costs,
        run=tuned.run,
        status=status,
        verdict=_tell(wanted, status, proposed, deviation, evidence, short),
    )


def _check_one_build(kind: type[Index], settings: Mapping[str, Sequence[Any]]) -> None:
    known = parameters(kind)
    for name, values in settings.items():
        if name in known and known[name].stage == "build" and len(values) > 1:
            raise VbenchError(
                f"{name} has {len(values)} values, and one build is audited; give it one"
            )


@contextmanager
def _telling(name: str) -> Iterator[None]:
    try:
        yield
    except AnswerError as error:
        raise VbenchError(f"{name}: {error}") from None


def _cutoff(target: Target) -> int:
    assert target.measure.cutoff is not None
    return target.measure.cutoff


def _propose(
    name: str, reached: Reached, target: Target, settings: Mapping[str, Sequence[Any]]
) -> dict[str, Any]:
    """The setting by which the index promises the target, beside what the caller has set."""
    of_search = {
        each.name for each in parameters(type(reached.index)).values() if each.stage == "search"
    }
    fixed = {
        name: values[0]
        for name, values in settings.items()
        if name in of_search and len(values) == 1
    }
    try:
        return propose(reached.index, str(target), fixed)
    except (VbenchError, AnswerError):
        raise
    # What an index raises where it cannot promise is up to it.
    except Exception as error:
        raise VbenchError(f"{name} does not claim {target}: {describe_error(error)}") from None


class _Claim(NamedTuple):
    """Answers at what is proposed, and what they say."""

    asked: Asked
    seconds: float
    answers: Answers


def _ask_claim(held: HeldOut, reached: Reached, proposed: Mapping[str, Any]) -> _Claim:
    """Ask at what is proposed, after a warm-up."""
    reached.index.set(**proposed)
    held.ask(held.warm)
    asked = held.ask(held.queries)
    # A guard that has learned goes on, before others take its place.
    again = [held.ask(held.queries).seconds for _ in range(PASSES - 1)]
    return _Claim(asked, statistics.median([asked.seconds, *again]), held.judge(asked.ids))


def _tell(
    target: Target,
    status: Status,
    proposed: Mapping[str, Any],
    deviation: Deviation,
    evidence: Evidence,
    short: Short,
) -> str:
    """The verdict, with what it rests on."""
    unit = target.measure.unit
    value = write(evidence.value, unit)
    reached = ", and surely reaches it" if evidence.is_certified else ""
    said = [f"{target.measure} is {value} where {spell(proposed)} promises {target}{reached}"]
    if deviation.measure != str(target.measure) or status == "broken":
        difference = deviation.difference
        of_claim: Unit = unit if deviation.measure == str(target.measure) else "score"
        said.append(
            f"it claims {deviation.measure} of {write(deviation.claimed, of_claim)}, "
            f"{write_difference(difference.value, of_claim)} "
            f"{write_difference_ends(difference, of_claim)} beyond what is true"
        )
    said.append(
        f"{write_interval(short.share, 'share')} of the queries are under {wanted_recall(target):g}"
    )
    if status == "open" and evidence.more:
        said.append(f"{evidence.more:,} more queries might show that it holds")
    return f"{status}: {'; '.join(said)}"


def judge(evidence: Evidence, high: float | None, deviation: Deviation) -> Status:
    """Whether a claim surely holds, or surely does not; `high` is the end of the value's interval.

    It does not where the target is surely missed, or where surely too much is claimed.
    """
    low = deviation.difference.low
    if (high is not None and high < evidence.target.value) or (low is not None and low > 0.0):
        return "broken"
    return "holds" if evidence.is_certified else "open"
