"""Training: towers that learn, the same for the same seed, stopped and gone on."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from vbench.towers.evaluate import popularity_scorer, validation_hit_rate
from vbench.towers.interactions import Interactions, Pairs
from vbench.towers.pipeline import Made, make
from vbench.towers.recipe import Recipe

pytestmark = pytest.mark.usefixtures("jax")

CS3 = ("cycle", "sync", "cascade")


def _with(recipe: Recipe, **values: Any) -> Recipe:
    return msgspec.structs.replace(recipe, **values)


@pytest.fixture(scope="module")
def made(jax: None, data: Interactions, recipe: Recipe) -> Made:
    return make(data, recipe, seed=0)


def test_towers_beat_popularity_where_there_is_taste(made: Made) -> None:
    """Users buy from one half of the items: to know which is worth twice the popular ones."""
    quality = made.quality
    assert quality["towers"].hit_rate > 1.3 * quality["popularity"].hit_rate
    assert quality["towers"].auc > 0.7
    assert quality["towers"].log_loss < quality["popularity"].log_loss


def test_training_lowers_the_loss(made: Made) -> None:
    """Each epoch's mean loss is under the one before."""
    losses = [epoch.loss for epoch in made.epochs]
    assert losses == sorted(losses, reverse=True)


def test_the_seed_decides_the_vectors(made: Made, data: Interactions, recipe: Recipe) -> None:
    """The same seed gives the same vectors to the last bit; another gives others."""
    again = make(data, recipe, seed=0)
    for one, other in zip(made.vectors, again.vectors, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(make(data, recipe, seed=1).vectors.base, made.vectors.base)


def test_a_feature_may_be_named_as_a_part_of_the_tower(data: Interactions, recipe: Recipe) -> None:
    """Columns named `id` and `history` stand beside the ids and the history, in no one's place."""
    fields = dict(zip(("history", "id"), data.item_fields, strict=True))
    renamed = tuple(dataclasses.replace(field, name=name) for name, field in fields.items())
    other = dataclasses.replace(data, item_fields=renamed)
    short = _with(recipe, epochs=1)
    one, two = make(other, short, seed=0), make(data, short, seed=0)
    for side in ("queries", "base"):
        np.testing.assert_allclose(
            getattr(one.vectors, side), getattr(two.vectors, side), atol=0.01
        )


def test_variants_differ_from_the_queries_and_not_by_much(made: Made) -> None:
    """Skewed and noisy queries are near their own, and nearer than another's."""
    own = made.vectors.queries.astype(np.float32)
    for other in (made.vectors.skew, made.vectors.noise):
        other = other.astype(np.float32)
        moved = np.linalg.norm(other - own, axis=1)
        shuffled = np.linalg.norm(np.roll(other, 1, axis=0) - own, axis=1)
        assert (moved > 0).mean() > 0.9
        assert moved.mean() < 0.7 * shuffled.mean()


def test_a_version_may_be_more_than_an_epoch_older(data: Interactions, recipe: Recipe) -> None:
    """Two epochs of learning are no one, and what is indexed stays as it was."""
    one, two = (
        make(data, _with(recipe, epochs=1, skew=skew), seed=0).vectors for skew in (1.0, 2.0)
    )
    np.testing.assert_array_equal(one.base, two.base)
    assert not np.array_equal(one.skew, two.skew)


@pytest.mark.parametrize(
    "parts", [CS3, *(pytest.param((part,), marks=pytest.mark.slow) for part in CS3)]
)
def test_parts_of_cs3_work_alone_and_together(
    data: Interactions, recipe: Recipe, made: Made, parts: tuple[str, ...]
) -> None:
    """Every part trains, still beats popularity, and changes the vectors."""
    changed = make(data, _with(recipe, epochs=1, **dict.fromkeys(parts, True)), seed=0)
    assert changed.quality["towers"].hit_rate > changed.quality["popularity"].hit_rate
    assert not np.array_equal(changed.vectors.base, made.vectors.base)


def test_cosine_vectors_are_of_length_one(data: Interactions, recipe: Recipe) -> None:
    """With `cosine` both towers end on the unit sphere, and their quality is still judged."""
    cosine = make(data, _with(recipe, metric="cosine", epochs=2), seed=0)
    for array in cosine.vectors:
        np.testing.assert_allclose(np.linalg.norm(array.astype(float), axis=1), 1, atol=2e-3)
    assert cosine.quality["towers"].hit_rate > cosine.quality["popularity"].hit_rate


def test_a_stopped_training_goes_on_as_if_it_had_not(
    tmp_path: Path,
    data: Interactions,
    recipe: Recipe,
    made: Made,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After a stop in the middle of an epoch the vectors are those of an unbroken training."""
    from vbench.towers import train as checkpoint

    monkeypatch.setattr(checkpoint, "SECONDS_BETWEEN", 0.0)
    seen = []

    def stop(epoch: int, step: int, total: int, loss: float) -> None:
        seen.append((epoch, step))
        if epoch == 2 and step > 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(data, recipe, seed=0, checkpoints=tmp_path, progress=stop)
    assert len(list(tmp_path.iterdir())) == 1
    rest: list[tuple[int, int]] = []
    went_on = make(
        data,
        recipe,
        seed=0,
        checkpoints=tmp_path,
        progress=lambda epoch, step, *_: rest.append((epoch, step)),
    )
    assert rest[0] > (2, 1)
    for one, other in zip(made.vectors, went_on.vectors, strict=True):
        np.testing.assert_array_equal(one, other)
    assert went_on.epochs == made.epochs


def test_a_damaged_checkpoint_costs_time_only(
    tmp_path: Path, data: Interactions, recipe: Recipe, made: Made
) -> None:
    """A file that cannot be read is trained over, not trusted."""
    make(data, _with(recipe, epochs=1), seed=0, checkpoints=tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    again = make(data, _with(recipe, epochs=1), seed=0, checkpoints=tmp_path)
    assert again.epochs == made.epochs[:1]


def test_another_training_has_another_checkpoint(
    tmp_path: Path, data: Interactions, recipe: Recipe
) -> None:
    """Nothing is gone on from that was trained in another way, or on something else."""
    from vbench.towers.train import Checkpoint

    fewer = dataclasses.replace(data, train=Pairs(data.train.user[1:], data.train.item[1:]))
    paths = {
        Checkpoint(tmp_path, data, recipe, 0).path,
        Checkpoint(tmp_path, data, recipe, 1).path,
        Checkpoint(tmp_path, data, _with(recipe, table_rate=0.2), 0).path,
        Checkpoint(tmp_path, fewer, recipe, 0).path,
    }
    assert len(paths) == 4
    assert Checkpoint(tmp_path, data, recipe, 0).path in paths


def test_training_stops_when_the_validation_gets_no_better(
    data: Interactions, recipe: Recipe
) -> None:
    """The vectors are those of the best epoch, and patience ends the training."""
    made = make(data, _with(recipe, epochs=30, patience=1, table_rate=1.0), seed=0)
    rates = [epoch.hit_rate for epoch in made.epochs]
    assert len(rates) < 30
    assert rates[made.best - 1] == max(rates)
    assert len(rates) == made.best + 1


def test_a_hit_rate_is_that_of_a_plain_count(data: Interactions) -> None:
    """The blocked evaluation agrees with one user at a time."""
    counts = data.popularity()[1:]
    train = set(zip(data.train.user.tolist(), data.train.item.tolist(), strict=True))
    order = (np.lexsort((np.arange(len(counts)), -counts)) + 1).tolist()
    held: Pairs = data.validation
    hits = []
    for user, item in zip(held.user.tolist(), held.item.tolist(), strict=True):
        ranking = [other for other in order if (user, other) not in train][:100]
        hits.append(counts[item - 1] > counts[ranking[-1] - 1] or item in ranking)
    found = validation_hit_rate(data, popularity_scorer(counts), 0)
    # Items as popular as the last of the 100 may fall on either side.
    assert found == pytest.approx(np.mean(hits), abs=0.05)
