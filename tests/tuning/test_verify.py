"""A certificate that travels: written, added to, asked again, broken by a worse index."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from vectors import gaussian_pair

import vbench
from vbench.analysis.certificate import Certificate, Verification, read_certificate
from vbench.data.dataset import Dataset
from vbench.errors import DamagedFileError, VbenchError

TARGET = "Robustness(delta=0.6)@5>=0.8"
CHEAP = "value < 300"


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    base, queries = gaussian_pair(640, 400, 8, seed=7)
    items = pl.DataFrame({"value": np.random.default_rng(1).permutation(640)})
    return Dataset("tiny", base, queries, "l2", items=items)


@pytest.fixture(scope="module")
def written(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate of an index in the whole base and under a filter, for one K and another."""
    folder = tmp_path_factory.mktemp("certified")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VBENCH_HOME", str(tmp_path_factory.mktemp("home")))
        for target, filters in ((TARGET, CHEAP), ("Recall@3>=0.2", ())):
            found = vbench.tune(
                dataset, "tunable:KeptUnder", target, builds=1, repeats=1, filters=filters,
                minimize="Latency(p=50)", certificate=folder / "kept.json", out=folder / "run",
            )  # fmt: skip
            assert found.certified
    return folder / "kept.json"


def ask(path: Path, dataset: Dataset, out: Path, **changes: object) -> Verification:
    options: dict = {"index": "tunable:KeptUnder", "repeats": 1, "out": out}
    options |= changes
    return vbench.verify(path, options.pop("index"), dataset, **options)


def test_a_certificate_says_what_was_certified(written: Path, dataset: Dataset) -> None:
    """Data, index, and for each K its setting with the bound of each target in each view."""
    found = read_certificate(written)
    assert found.data.base == dataset.base_digest
    assert found.index.name == "tunable:KeptUnder"
    assert [each.k for each in found.settings] == [3, 5]
    small, large = found.settings
    assert [(each.target, each.view) for each in large.claims] == [
        (TARGET, "none"),
        (TARGET, CHEAP),
    ]
    assert [(each.target, each.view) for each in small.claims] == [("Recall@3>=0.2", "none")]
    assert all((each.bound or 0) >= 0.8 for each in large.claims)
    assert (large.filters, large.held_out, large.builds) == ((CHEAP,), 200, 1)
    assert Certificate.from_json(found.to_json()) == found


def test_a_certificate_has_targets_of_segments_under_filters(
    dataset: Dataset, tmp_path: Path
) -> None:
    """Each in every view, over the queries of its segment; and each is asked again so."""
    kinds = pl.DataFrame({"kind": np.array(["new", "old"])[np.arange(400) % 2]})
    with_kinds = dataclasses.replace(dataset, segments=kinds)
    target = "Recall@5>=0.2 and Recall@5>=0.15 where kind=new"
    vbench.tune(
        with_kinds, "tunable:KeptUnder", target, builds=1, repeats=1, filters=CHEAP,
        minimize="Latency(p=50)", certificate=tmp_path / "kept.json", out=tmp_path / "run",
    )  # fmt: skip
    (setting,) = read_certificate(tmp_path / "kept.json").settings
    assert [(each.target, each.view) for each in setting.claims] == [
        (each, view)
        for view in ("none", CHEAP)
        for each in ("Recall@5>=0.2", "Recall@5>=0.15 where kind=new")
    ]
    whole, new = setting.claims[:2]
    assert whole.value != new.value
    found = ask(tmp_path / "kept.json", with_kinds, tmp_path / "again")
    assert [each.status for each in found.claims] == ["holds"] * 4
    assert [each.value for each in found.claims] == [each.value for each in setting.claims]


def test_what_has_not_changed_holds(written: Path, dataset: Dataset, tmp_path: Path) -> None:
    """On the half that certified, every bound is the same again."""
    found = ask(written, dataset, tmp_path / "run")
    assert found.status == "holds"
    assert not found.are_fresh
    assert found.queries == 200
    assert found.changes == ()
    assert [each.status for each in found.claims] == ["holds"] * 3
    for each in found.claims:
        assert each.bound == pytest.approx(each.was)
    assert found.verdict == (
        "holds: all 3 claims are certified again on 200 queries that certified it"
    )
    assert Verification.from_json(found.to_json()) == found


def test_fresh_queries_are_asked_all(written: Path, dataset: Dataset, tmp_path: Path) -> None:
    """They are of the same kind: no claim is broken. Too few leave it open, and say how many."""
    _, others = gaussian_pair(640, 700, 8, seed=7)
    fresh = Dataset("fresh", dataset.base, others[400:], "l2", items=dataset.items)
    found = ask(written, fresh, tmp_path / "run")
    assert found.are_fresh
    assert found.queries == 300
    assert found.status in ("holds", "open")
    few = Dataset("few", dataset.base, others[400:412], "l2", items=dataset.items)
    told = ask(written, few, tmp_path / "few")
    assert told.status == "open"
    assert "not shown to hold, and not broken, on 12 fresh queries" in told.verdict
    assert any((each.more_queries or 0) > 0 for each in told.claims)


def test_other_vectors_are_told(written: Path, dataset: Dataset, tmp_path: Path) -> None:
    """And asked all the same."""
    base = np.ascontiguousarray(dataset.base[:600])
    items = dataset.items[:600]  # type: ignore[index]
    found = ask(
        written, Dataset("less", base, dataset.queries, "l2", items=items), tmp_path / "run"
    )
    assert found.changes == ("other base vectors: 600 of less, were 640 of tiny",)
    assert len(found.claims) == 3


def test_an_index_that_got_worse_breaks_it(
    written: Path, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same name, other code: it is said, and the claims that it breaks."""
    folder = tmp_path / "worse"
    folder.mkdir()
    recipe = folder / "worse.toml"
    (folder / "shrunk.py").write_text(
        "import tunable\n\n\nclass KeptUnder(tunable.KeptUnder):\n"
        "    def share(self):\n        return min(super().share(), 1.0) / 8\n"
    )
    recipe.write_text('name = "tunable:KeptUnder"\nadapter = "shrunk:KeptUnder"\n')
    monkeypatch.syspath_prepend(str(folder))
    found = ask(written, dataset, tmp_path / "run", index=str(recipe))
    assert found.status == "broken"
    broken = [each for each in found.claims if each.status == "broken"]
    assert {each.view for each in broken} >= {CHEAP}
    assert f"{TARGET} in view {CHEAP} at keep=" in found.verdict
    assert "the code of tunable:KeptUnder has changed" in found.changes


def test_what_leaves_no_result_is_broken(written: Path, dataset: Dataset, tmp_path: Path) -> None:
    """With the reason."""
    recipe = tmp_path / "fails.toml"
    recipe.write_text('name = "tunable:KeptUnder"\nadapter = "tunable:NeverUnder"\n')
    with pytest.warns(vbench.VbenchWarning, match="no license"):
        found = ask(written, dataset, tmp_path / "run", index=str(recipe))
    assert found.status == "broken"
    assert {each.status for each in found.claims} == {"not measured"}
    assert "left no result" in found.verdict
    assert "no license" in found.verdict


def test_what_is_not_certified_leaves_the_file_as_it_is(
    written: Path, dataset: Dataset, tmp_path: Path
) -> None:
    """A warning says so."""
    before = written.read_bytes()
    with pytest.warns(vbench.VbenchWarning, match="is not written: nothing is certified"):
        vbench.tune(
            dataset, "tunable:KeptUnder", "Recall@5>=0.9999", builds=1, repeats=1, trials=1,
            settings={"keep": [4]}, certificate=written, out=tmp_path / "run",
        )  # fmt: skip
    assert written.read_bytes() == before


def test_a_wrong_file_or_index_is_refused(written: Path, dataset: Dataset, tmp_path: Path) -> None:
    """One line: what it is, what to do."""
    with pytest.raises(VbenchError, match=r"none\.json is no file; vbench tune --certificate"):
        ask(tmp_path / "none.json", dataset, tmp_path / "run")
    with pytest.raises(VbenchError, match="is a certificate of tunable:KeptUnder, not flat"):
        ask(written, dataset, tmp_path / "run", index="flat")
    cosine = Dataset("other", dataset.base, dataset.queries, "cosine")
    with pytest.raises(VbenchError, match="is about l2 in 8 dimensions, and other is cosine in 8"):
        ask(written, cosine, tmp_path / "run")
    changed = tmp_path / "changed.json"
    changed.write_text(written.read_text().replace("0.8", "0.7"))
    with pytest.raises(DamagedFileError, match="digest"):
        ask(changed, dataset, tmp_path / "run")
    options: dict = {"builds": 1, "repeats": 1, "out": tmp_path / "run"}
    base, queries = gaussian_pair(640, 400, 8, seed=8)
    with pytest.raises(VbenchError, match="is a certificate of other data"):
        vbench.tune(base, "tunable:Kept", TARGET, queries=queries, metric="l2",
                    certificate=written, **options)  # fmt: skip
    with pytest.raises(VbenchError, match="there is no folder"):
        vbench.tune(dataset, "tunable:Kept", TARGET, certificate=tmp_path / "no" / "x.json",
                    **options)  # fmt: skip
    with pytest.raises(VbenchError, match=r"of tunable:KeptUnder .*, and tunable:Kept"):
        vbench.tune(dataset, "tunable:Kept", "Recall@5>=0.1", certificate=written,
                    minimize="Latency(p=50)", **options)  # fmt: skip
