"""Assertions: a measure of the answers of builds, against a reference and the loss that matters."""

from __future__ import annotations

import contextlib
import unittest
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from vbench._arguments import check_arguments, check_choice
from vbench.errors import VbenchError
from vbench.testing.command import Command
from vbench.testing.decision import Decision, DecisionError, decide

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from vbench.measures.base import Measure
    from vbench.testing.scoring import Scores

    AnyMeasure = str | Measure | type[Measure]
    MakeBuild = Callable[[int], Any] | Command


def recall_at_least(
    reference: float, build: MakeBuild, *, loss: float, k: int = 10, **options: Any
) -> Decision:
    """Assert that ``Recall@k``, as a mean over builds, has not lost what matters.

    :func:`assert_measure` with this measure; `options` are its own.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> base, queries = rng.random((500, 8)), rng.random((20, 8))
    >>> def build(seed):  # exact search in nine tenths of the base
    ...     kept = np.random.default_rng(seed).permutation(500)[:450]
    ...     distances = ((queries[:, None] - base[kept]) ** 2).sum(axis=2)
    ...     return kept[distances.argsort(axis=1)[:, :10]]
    >>> found = recall_at_least(0.9, build, loss=0.05, base=base, queries=queries)
    >>> found.outcome, len(found.builds)
    ('kept', 7)
    """
    __tracebackhide__ = True
    return assert_measure(f"Recall@{k}", reference, build, loss=loss, **options)


@check_arguments
def assert_measure(
    measure: AnyMeasure,
    reference: float,
    build: MakeBuild,
    *,
    loss: float,
    base: ArrayLike | None = None,
    queries: ArrayLike | None = None,
    metric: str = "l2",
    alpha: float = 0.01,
    beta: float = 0.01,
    max_builds: int = 20,
    seed: int = 0,
    undecided: Literal["fail", "skip"] = "fail",
) -> Decision:
    """Assert that a measure of answers, as a mean over builds, has not lost what matters.

    Parameters
    ----------
    measure
        As ``Robustness(delta=0.9)@10`` or ``Failure@10``; of the latter less is better, and
        `loss` more matters.
    reference
        The mean over builds while all is well: that of twenty builds or so.
    build
        Makes the build of a seed, a whole number from 0 to 2³¹ − 1, and returns its answers to
        `queries`: ids, integer (m, k), −1 pads, row numbers of `base`; or a function that is
        called with `queries` and `k` and returns them. Or it returns the value of the measure,
        where each build has data of its own (:func:`score` computes it). Or a :class:`Command`.
    loss, alpha, beta, max_builds, seed
        As :func:`vbench.testing.decide` has them.
    base, queries : (n, d), (m, d)
        What answers are scored against, by exact search; not needed where `build` returns values.
    metric
        `l2`, `ip` or `cosine`, or another tool's word for it.
    undecided
        What becomes of a test that cannot be told: it fails, or is skipped.

    Returns
    -------
    Decision
        What was seen.

    Raises
    ------
    DecisionError
        It is lost, or undecided. An AssertionError.
    unittest.SkipTest
        It is undecided, and that is to be skipped. pytest knows this error, too.
    VbenchError
        An argument or an answer is not allowed.
    """
    __tracebackhide__ = True
    check_choice("undecided", undecided, ("fail", "skip"))
    found = measure_of_answers(measure)
    _check_range(found, reference, loss)
    with value_of_build(found, build, base, queries, metric) as (value, step):
        decision = decide(
            value,
            reference,
            loss=loss,
            better=found.better,
            measure=str(found),
            unit=found.unit,
            alpha=alpha,
            beta=beta,
            max_builds=max_builds,
            seed=seed,
            step=step,
        )
    if decision.outcome == "undecided" and undecided == "skip":
        raise unittest.SkipTest(decision.in_short)
    if decision.outcome != "kept":
        raise DecisionError(decision)
    return decision


def score(
    measure: AnyMeasure, ids: ArrayLike, base: ArrayLike, queries: ArrayLike, metric: str = "l2"
) -> float:
    """Value of a measure for ids (m, k), against exact search: for builds with data of their own.

    Raises
    ------
    VbenchError
        The measure is not one of answers; ids, base or queries are not what they must be.
    """
    from vbench.testing.scoring import Scores

    return Scores(measure_of_answers(measure), base, queries, metric).value(ids)


def measure_of_answers(measure: AnyMeasure) -> Measure:
    """A measure of what is answered, not of what that costs."""
    from vbench.measures.grammar import as_measure

    found = as_measure(measure)
    if found.cutoff is None:
        raise VbenchError(
            f"{found} is no measure of answers; give one such as Recall@10 or Failure@10"
        )
    return found


@contextlib.contextmanager
def value_of_build(
    measure: Measure,
    build: MakeBuild,
    base: ArrayLike | None,
    queries: ArrayLike | None,
    metric: str,
) -> Iterator[tuple[Callable[[int], float], float]]:
    """What returns the value of the build of a seed, and the distance of neighboring values.

    Raises
    ------
    VbenchError
        As :func:`assert_measure` does.
    """
    if not callable(build) and not isinstance(build, Command):
        raise VbenchError(
            f"build={build!r:.60} is no function; give one that makes the build of a seed"
        )
    scores = None
    if (base is None) != (queries is None):
        raise VbenchError("give both base and queries, or neither where build returns values")
    if base is not None and queries is not None:
        from vbench.testing.scoring import Scores

        scores = Scores(measure, base, queries, metric)
    with contextlib.ExitStack() as stack:
        make = stack.enter_context(build.start(scores)) if isinstance(build, Command) else build
        step = 0.0 if scores is None else scores.step
        yield lambda seed: _value(make(seed), measure, scores), step


def _check_range(measure: Measure, reference: float, loss: float) -> None:
    """Refuse a reference, and a loss, that no answers can have."""
    limit = reference - loss if measure.better == "higher" else reference + loss
    if (
        measure.unit in ("share", "score")
        and not 0.0 <= min(reference, limit) <= max(reference, limit) <= 1.0
    ):
        raise VbenchError(
            f"{measure} is between 0 and 1: reference={reference:g} and loss={loss:g} "
            f"(so {limit:g} is what matters) are not allowed"
        )


def _value(answer: Any, measure: Measure, scores: Scores | None) -> float:
    """The value of what `build` returned: a number, ids, or a function that finds them."""
    import numpy as np

    numbers = int | float | np.number | np.ndarray
    if isinstance(answer, numbers) and np.ndim(answer) == 0 and not isinstance(answer, bool):
        value = float(answer)
        if measure.unit in ("share", "score") and not 0.0 <= value <= 1.0:
            raise VbenchError(f"build returned {value:g}, which no {measure} is; give 0 to 1")
        return value
    if scores is None:
        raise VbenchError(
            f"build returned {type(answer).__name__}, not the value of {measure}; give base and "
            "queries to have it scored, or return score(measure, ids, base, queries)"
        )
    return scores.value(answer(scores.queries, scores.k) if callable(answer) else answer)
