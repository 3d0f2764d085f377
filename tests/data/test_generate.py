"""Made datasets: the same by seed, smaller ones inside of larger ones, in bounded memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import vbench
from vbench.data import generate as generating
from vbench.data.generate import Mixture, as_kind, generate
from vbench.errors import VbenchError
from vbench.neighbors.exact import nearest


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of which a few hundred vectors fill several, and few clusters."""
    monkeypatch.setattr(generating, "BLOCK", 64)
    monkeypatch.setattr(generating, "_CLUSTERS", 20)


def test_the_seed_makes_it(tmp_path: Path) -> None:
    """Equal seeds give equal vectors, another seed others; the card says how it was made."""
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        generate(tmp_path / name, n=100, m=10, d=8, seed=seed)
    a, b, c = (vbench.load(tmp_path / name) for name in "abc")
    assert (a.n, a.m, a.d, a.base.dtype.name, a.metric) == (100, 10, 8, "float16", "l2")
    assert a.fingerprint == b.fingerprint != c.fingerprint
    assert a.card["made_by"] == (
        "vbench data generate a --rows 100 --count 10 --dim 8 --dtype float16 --metric l2 --seed 3"
    )


def test_a_smaller_base_begins_a_larger_one(tmp_path: Path) -> None:
    """Of one seed, 100 vectors are the first of 300, and the queries are the same."""
    generate(tmp_path / "few", n=100, m=7, d=8)
    generate(tmp_path / "many", n=300, m=7, d=8)
    few, many = vbench.load(tmp_path / "few"), vbench.load(tmp_path / "many")
    np.testing.assert_array_equal(few.base, many.base[:100])
    np.testing.assert_array_equal(few.queries, many.queries)


def test_half_of_the_queries_are_out_of_distribution() -> None:
    """Queries like the base are as near to it as its vectors are to each other; others farther."""
    mixture = Mixture(16, seed=0)
    base = np.concatenate(list(mixture.base(2000)))
    queries, kinds = mixture.queries(200)
    assert kinds == ["like"] * 100 + ["unlike"] * 100
    near = nearest(queries, base, "l2", 1)[1][:, 0]
    own = nearest(base[:200], base, "l2", 2)[1][:, 1]
    like, unlike = np.median(near[:100]), np.median(near[100:])
    assert like == pytest.approx(np.median(own), rel=0.25)
    assert unlike > 1.25 * like


def test_clusters_are_of_unlike_size() -> None:
    """The largest tenth of the clusters holds more than twice its share."""
    mixture = Mixture(8, seed=0)
    sizes = np.sort(np.bincount(mixture._clusters(np.random.default_rng(0), 20_000)))
    assert sizes[-2:].sum() > 2 * 0.1 * sizes.sum()


@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8"])
def test_types_of_numbers(tmp_path: Path, dtype: generating.Kind) -> None:
    """Whole numbers are the floats in steps, within their range; the nearest mostly stay."""
    generate(tmp_path / "made", n=200, m=20, d=8, dtype=dtype, metric="ip")
    made = vbench.load(tmp_path / "made")
    assert made.base.dtype.name == dtype
    assert made.metric == "ip"
    exact = np.concatenate(list(Mixture(8, 0).base(200)))
    kept = made.base.astype(float)
    assert np.corrcoef(exact.ravel(), kept.ravel())[0, 1] > 0.99


def test_whole_numbers_stay_in_their_range() -> None:
    """What is beyond the range of a type becomes its end, and does not begin anew."""
    far = np.array([[1000.0, -1000.0, 0.0]], dtype=np.float32)
    assert as_kind(far, np.dtype("int8")).tolist() == [[127, -128, 0]]
    assert as_kind(far, np.dtype("uint8")).tolist() == [[255, 0, 128]]


def test_kinds_stand_in_the_segments(tmp_path: Path) -> None:
    """Each query says of itself which it is."""
    generate(tmp_path / "made", n=50, m=5, d=4)
    segments = vbench.load(tmp_path / "made").segments
    assert segments is not None
    assert segments["kind"].value_counts().sort("kind").rows() == [("like", 3), ("unlike", 2)]


def test_what_is_there_stays(tmp_path: Path) -> None:
    """A folder of another kind is never written over, a dataset only if that is asked for."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("x")
    with pytest.raises(VbenchError, match="not a dataset of ours"):
        generate(tmp_path / "mine", n=5, m=1, d=2, force=True)
    generate(tmp_path / "made", n=5, m=1, d=2)
    with pytest.raises(VbenchError, match="exists; choose another name"):
        generate(tmp_path / "made", n=6, m=1, d=2)
    generate(tmp_path / "made", n=6, m=1, d=2, force=True)
    assert vbench.load(tmp_path / "made").n == 6


def test_numbers_that_make_nothing(tmp_path: Path) -> None:
    """Counts below 1 and unknown types are refused before anything is written."""
    with pytest.raises(VbenchError, match="n: 0 is not allowed; give 1 or more"):
        generate(tmp_path / "made", n=0)
    with pytest.raises(VbenchError, match="float16"):
        generate(tmp_path / "made", n=5, dtype="float8")  # type: ignore[arg-type]
    assert not (tmp_path / "made").exists()


def test_a_disk_without_room(tmp_path: Path) -> None:
    """What cannot fit is refused before it begins."""
    with pytest.raises(VbenchError, match="are free there; make room"):
        generate(tmp_path / "made", n=10**13, m=1, d=96)


def test_progress_reaches_the_end(tmp_path: Path) -> None:
    """It counts base vectors, block by block."""
    said: list[tuple[int, int]] = []
    generate(tmp_path / "made", n=100, m=1, d=2, progress=lambda *each: said.append(each))
    assert said == [(64, 100), (100, 100)]
