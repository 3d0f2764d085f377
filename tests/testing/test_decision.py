"""Deciding by one build after the other: outcomes, error rates, words."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from vbench.errors import VbenchError
from vbench.testing import Decision, DecisionError, decide


def drawn(mean: float, spread: float) -> Callable[[int], float]:
    """Normal values of builds, by their seed."""
    return lambda seed: float(np.random.default_rng(seed).normal(mean, spread))


@pytest.mark.parametrize(
    ("mean", "better", "outcome"),
    [(0.8, "higher", "kept"), (0.7, "higher", "lost"), (0.8, "lower", "lost")],
)
def test_what_is_far_from_the_line_is_told(mean: float, better: str, outcome: str) -> None:
    """At the reference it is kept, beyond the loss lost; where less is better the other way."""
    found = decide(drawn(mean, 0.01), 0.8 if better == "higher" else 0.7, loss=0.05, better=better)
    assert found.outcome == outcome
    assert 4 <= len(found.builds) <= 6
    assert found.low < found.mean < found.high


def test_the_same_seed_gives_the_same_answer_and_a_larger_bound_the_same_builds() -> None:
    """Seeds of builds are drawn by the seed alone, each an int32 and another."""
    one = decide(drawn(0.775, 0.02), 0.8, loss=0.05)
    assert decide(drawn(0.775, 0.02), 0.8, loss=0.05) == one
    more = decide(drawn(0.775, 0.2), 0.8, loss=0.05, max_builds=30)
    seeds = [build.seed for build in more.builds]
    assert seeds[: len(one.builds)] == [build.seed for build in one.builds]
    assert len(set(seeds)) == 30
    assert all(0 <= seed < 2**31 for seed in seeds)
    other = decide(drawn(0.775, 0.02), 0.8, loss=0.05, seed=1)
    assert {build.seed for build in other.builds}.isdisjoint(seeds)


@pytest.mark.parametrize(("value", "outcome"), [(0.77, "kept"), (0.76, "lost"), (0.75, "lost")])
def test_builds_without_chance_are_told_by_the_loss_alone(value: float, outcome: str) -> None:
    """Where all builds are equal, four tell; what lost exactly what matters is lost."""
    found = decide(lambda seed: value, 0.79, loss=0.03)
    assert (found.outcome, len(found.builds)) == (outcome, 4)


def test_what_cannot_be_told_says_what_would_tell_it() -> None:
    """A spread far above the loss is undecided after all builds; the builds it names suffice."""
    found = decide(drawn(0.775, 0.1), 0.8, loss=0.05)
    assert (found.outcome, len(found.builds)) == ("undecided", 20)
    assert "cannot be told: 20 builds have a mean of" in str(found)
    needed = int(found.in_short.partition("max_builds=")[2].partition(",")[0])
    assert "to tell: max_builds=" in found.in_short
    assert found.in_short.count("\n") == 1
    assert decide(drawn(0.775, 0.1), 0.8, loss=0.05, max_builds=needed).outcome != "undecided"


def test_what_was_seen_is_written_build_by_build() -> None:
    """The text has the verdict, each build with its seed, the error rates, and one build again."""
    found = decide(drawn(0.7, 0.01), 0.8, loss=0.05, measure="Recall@10", unit="score")
    first, *rest = str(found).splitlines()
    assert first.startswith(f"Recall@10 is lost: 4 builds have a mean of {found.mean:.4g} [0.6")
    assert first.endswith("], below the reference 0.8")
    for row, build in zip(rest[1:], found.builds, strict=False):
        assert row.split()[1:] == [str(build.seed), f"{build.value:.4f}"]
    assert (
        "at the reference 1 % of tests at most say lost, after that loss 1 % say kept" in rest[-2]
    )
    assert rest[-1] == f"  one build again: build({found.builds[-1].seed})"
    assert found.line.startswith("lost: Recall@10 0.")
    assert DecisionError(found).decision is found


def test_bounds_of_a_share_end_at_0_and_1() -> None:
    """What is between 0 and 1 has no bounds outside."""
    found = decide(drawn(0.98, 0.02), 0.9, loss=0.3, unit="share")
    assert found.high > 1.0
    assert found.bounds.endswith(", 1]")


def test_a_failing_build_says_which_it_was() -> None:
    """Its own error comes through, with the number and the seed of the build."""
    numbers = itertools.count(1)

    def value(seed: int) -> float:
        if next(numbers) == 2:
            raise RuntimeError("out of memory")
        return 0.5

    with pytest.raises(RuntimeError, match="out of memory") as raised:
        decide(value, 0.5, loss=0.1)
    (note,) = raised.value.__notes__
    assert note.startswith("in build 2 of the test, build(")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"loss": 0.0}, "above 0"),
        ({"loss": float("nan")}, "above 0"),
        ({"alpha": 1.0}, "alpha=1.0 is not allowed"),
        ({"beta": 0.0}, "beta=0.0 is not allowed"),
        ({"max_builds": 3}, "max_builds=3 is not allowed; give 4 to 1000"),
        ({"max_builds": 1001}, "give 4 to 1000"),
        ({"max_builds": 2.5}, "max_builds=2.5 is not allowed"),
        ({"seed": -1}, "seed=-1 is not allowed"),
        ({"better": "more"}, "give 'higher' or 'lower'"),
    ],
)
def test_what_is_no_test_is_refused(given: dict[str, object], said: str) -> None:
    """One line says what was given and what is allowed."""
    with pytest.raises(VbenchError, match=said):
        decide(lambda seed: 0.5, 0.5, **({"loss": 0.1} | given))


def test_a_value_that_is_no_number_is_refused() -> None:
    """NaN is no recall."""
    with pytest.raises(VbenchError, match="has the value nan"):
        decide(lambda seed: float("nan"), 0.5, loss=0.1)


def rates(mean: float, spread: float, loss: float, tests: int) -> tuple[dict[str, float], float]:
    """Shares of the outcomes of many tests with the reference 0.79, and builds on average."""
    found: list[Decision] = [
        decide(drawn(mean, spread), 0.79, loss=loss, seed=seed) for seed in range(tests)
    ]
    shares = {
        outcome: sum(each.outcome == outcome for each in found) / tests
        for outcome in ("kept", "lost", "undecided")
    }
    return shares, float(np.mean([len(each.builds) for each in found]))


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.021, 0.037, 0.1])
def test_wrong_answers_are_as_rare_as_stated(spread: float) -> None:
    """Whatever the spread, at most 1 % of good builds are lost and of bad ones kept."""
    tests = 4_000
    limit = 0.01 + 3.0 * np.sqrt(0.01 * 0.99 / tests)
    good, builds = rates(0.79, spread, 0.037, tests)
    bad, builds_of_bad = rates(0.753, spread, 0.037, tests)
    assert good["lost"] <= limit
    assert bad["kept"] <= limit
    if spread == 0.021:
        assert max(builds, builds_of_bad) <= 8.0
        assert good["undecided"] + bad["undecided"] == 0.0
        assert good["lost"] <= 0.01
        assert bad["kept"] <= 0.01
