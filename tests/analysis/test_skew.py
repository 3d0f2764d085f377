"""Versions of towers: agreement and loss, each by its definition."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import vbench
from vbench.analysis.skew import skew
from vbench.errors import VbenchError

RNG = np.random.default_rng(8)
BASE = RNG.standard_normal((400, 6)).astype(np.float32)
USERS = RNG.standard_normal((80, 6)).astype(np.float32)
WANTED = np.argsort(-USERS @ BASE.T, axis=1)
JUDGED = pl.DataFrame(
    {
        "query": np.repeat(np.arange(60), 3),
        "item": WANTED[:60][:, [0, 9, 40]].ravel(),
    }
)


def made(queries: np.ndarray, base: np.ndarray = BASE, name: str = "old") -> vbench.Dataset:
    judged = JUDGED.filter(pl.col("query") < len(queries))
    return vbench.load(base, queries=queries, metric="ip", relevance=judged, name=name)


OLD = made(USERS)


def moved(size: float, seed: int = 1) -> np.ndarray:
    step = np.random.default_rng(seed).standard_normal(USERS.shape)
    return (USERS + size * step).astype(np.float32)


def test_an_equal_version_agrees_and_loses_nothing() -> None:
    """Cosine 1, every query in common, no loss."""
    found = skew(OLD, [made(USERS, name="same")], hits=20)
    (row,) = found.versions
    assert (row.agreement, row.robustness.value) == (1.0, 1.0)
    assert row.cosine == pytest.approx(1.0)
    assert (row.hit_rate_loss.value, row.ndcg_loss.value, row.item_cosine) == (0.0, 0.0, None)
    assert found.hit_rate == pytest.approx(2 / 3)
    assert found.ndcg == pytest.approx((1 + 1 / np.log2(11)) / (1 + 1 / np.log2(3) + 0.5), abs=1e-6)


def test_agreement_and_loss_follow_their_definitions() -> None:
    """Of lists that are sorted here, by hand."""
    later = moved(0.3)
    (row,) = skew(OLD, [made(later, name="new")], hits=20, delta=0.8).versions
    lists = np.argsort(-later @ BASE.T, axis=1)
    common = np.array([len(set(a[:10]) & set(b[:10])) for a, b in zip(WANTED, lists, strict=True)])
    assert row.agreement == pytest.approx(common.mean() / 10)
    assert row.robustness.value == pytest.approx((common >= 8).mean())
    shown = np.mean([item in lists[query, :20] for query, item in JUDGED.iter_rows()])
    assert row.hit_rate == pytest.approx(shown)
    loss = row.hit_rate_loss
    assert loss.value == pytest.approx(2 / 3 - shown)
    assert loss.low is not None
    assert loss.high is not None
    assert loss.low <= 2 / 3 - shown <= loss.high


def test_new_items_are_what_new_queries_were_made_for() -> None:
    """Both towers turned alike: lists of their own are as before, on old items they are others."""
    turn = np.linalg.qr(np.random.default_rng(3).standard_normal((6, 6)))[0].astype(np.float32)
    (row,) = skew(OLD, [made(USERS @ turn, BASE @ turn, "turned")], hits=20).versions
    assert row.agreement < 0.5
    assert row.item_cosine is not None
    assert row.item_cosine < 0.9
    assert row.hit_rate_loss.value is not None
    assert row.hit_rate_loss.value > 0.2


def test_the_deadline_is_the_age_at_which_skew_costs_more_than_the_index(tmp_path: Path) -> None:
    """Between the ages that were measured; none where it never does."""
    run = vbench.run(
        OLD,
        "ivf-flat",
        k=[10, 20],
        builds=1,
        repeats=1,
        settings={"nlist": [10], "nprobe": [3, 10]},
        out=tmp_path / "run",
        progress=False,
    )
    versions = [made(moved(size), name=f"v{size}") for size in (0.1, 0.8)]
    found = skew(OLD, versions, ages=[1, 4], hits=20, run=run)
    some, everything = found.indexes
    assert everything.robustness == 1.0
    assert everything.agreement_deadline == 0.0
    assert some.robustness is not None
    assert some.agreement_deadline is not None
    first, second = (1 - (row.robustness.value or 0) for row in found.versions)
    limit = 1 - some.robustness
    wanted = limit / first if first > limit else 1 + 3 * (limit - first) / (second - first)
    assert some.agreement_deadline == pytest.approx(wanted)
    assert some.hit_rate_loss is not None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"versions": []}, "one or several later ones"),
        ({"versions": [made(USERS[:50])]}, "queries 50"),
        ({"versions": [made(USERS)], "ages": [1, 2]}, "2 ages for 1 versions"),
        ({"versions": [made(USERS), made(USERS)], "ages": [2, 1]}, "ascending"),
        ({"versions": [made(USERS)], "k": 500}, "500"),
        ({"versions": [made(USERS)], "delta": 0.0}, "delta=0"),
    ],
)
def test_what_are_no_versions_is_refused(given: dict[str, object], said: str) -> None:
    """In one line."""
    with pytest.raises(VbenchError, match=said):
        skew(OLD, **given)  # type: ignore[arg-type]
