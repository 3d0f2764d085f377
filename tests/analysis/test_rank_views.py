"""The ranking stage under a filter and at an age: what may not answer is not asked for."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from ranked_run import JUDGED, M, N, judged_dataset

import vbench
from vbench.analysis.ranking import read_ranking
from vbench.data.dataset import Dataset
from vbench.errors import DataError, UnknownNameError, VbenchError
from vbench.ranking.handoff import export_all
from vbench.ranking.judgments import read_judgments
from vbench.ranking.simple import hold_popular
from vbench.render.terminal.rank import print_ranking
from vbench.render.terminal.tables import PlainConsole
from vbench.runs.views import open_view
from vbench.workloads.ageing import plan_ages
from vbench.workloads.filters import read_filter
from vbench.workloads.runbook import read_workload

K = 20
CHEAP = "popularity < 50"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Users had some of what is relevant to them."""
    folder = tmp_path_factory.mktemp("data") / "small"
    plain = judged_dataset(folder)
    rng = np.random.default_rng(2)
    had = plain.relevance.sample(fraction=0.4, seed=1).select("query", "item")
    more = pl.DataFrame({"query": rng.integers(0, M, 400), "item": rng.integers(0, N, 400)})
    pl.concat([had, more]).unique().write_parquet(folder / "interactions.parquet")
    colors = pl.DataFrame({"color": rng.integers(0, 3, N)})
    plain.items.select("popularity").hstack(colors).write_parquet(folder / "items.parquet")
    queries = pl.DataFrame({"color": rng.integers(0, 3, M)})
    queries.write_parquet(folder / "queries.parquet")
    return vbench.load(folder)


@pytest.fixture(scope="module")
def run(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> vbench.Run:
    """Flat search and an inverted file that misses much, whole and under filters."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VBENCH_HOME", str(tmp_path_factory.mktemp("home")))
        return vbench.run(
            dataset,
            ["flat", "ivf-flat"],
            k=K,
            builds=1,
            repeats=1,
            filters=["seen", CHEAP, "query:color"],
            settings={"nlist": [20], "nprobe": [2]},
            out=tmp_path_factory.mktemp("ranked") / "run",
        )


def passing(dataset: Dataset, text: str) -> set[tuple[int, int]]:
    """Judged pairs whose item may answer."""
    allowed = read_filter(text).resolve(dataset, 0)
    pairs = dataset.relevance.select("query", "item").unique().iter_rows()
    return {(query, item) for query, item in pairs if allowed.of_query(query)[item]}


@pytest.mark.parametrize("text", ["seen", CHEAP, "query:color"])
def test_only_what_may_answer_is_asked_for(run: vbench.Run, dataset: Dataset, text: str) -> None:
    """Judgments of other items do not count, nor do queries that have no others."""
    made = run.rank("tower", view=text)
    pairs = passing(dataset, text)
    assert 0 < len(pairs) < len(dataset.relevance.unique())
    assert made.relevant == len(pairs)
    assert made.judged == len({query for query, _ in pairs})
    assert made.view is not None
    assert made.view.filter == text
    flat, lossy = made.settings
    assert flat.leading.index_loss.value == 0
    assert flat.recall == 1
    assert set(flat.survival.values()) == {1}
    assert lossy.leading.index_loss.value > 0
    assert lossy.recall < 1
    # By the exact order of what may answer, as the tower ranks it.
    allowed = read_filter(text).resolve(dataset, 0)
    similar = dataset.queries @ dataset.base.T
    gains = []
    for query in sorted({query for query, _ in pairs}):
        order = [x for x in np.argsort(-similar[query]) if allowed.of_query(query)[x]][:10]
        wanted = sum(pair[0] == query for pair in pairs)
        gain = sum(1 / np.log2(2 + at) for at, x in enumerate(order) if (query, x) in pairs)
        gains.append(gain / sum(1 / np.log2(2 + at) for at in range(min(10, wanted))))
    assert made.rankers[0].leading.exact.value == pytest.approx(np.mean(gains))
    assert sum(bucket.share for bucket in lossy.buckets) == pytest.approx(1)


@pytest.mark.parametrize("text", ["seen", CHEAP, "query:color", f"seen & {CHEAP}"])
def test_the_most_popular_are_those_that_may_answer(dataset: Dataset, text: str) -> None:
    """K of them for each query, by comparison with every item."""
    allowed = read_filter(text).resolve(dataset, 0)
    known = dataset.items["popularity"].cast(float).to_numpy()
    judgments = read_judgments(dataset)
    order = np.argsort(-known, kind="stable")
    wanted = [
        item in [x for x in order if allowed.of_query(query)[x]][:K]
        for query, item in zip(judgments.query.tolist(), judgments.item.tolist(), strict=True)
    ]
    assert hold_popular(known, K, judgments, allowed).tolist() == wanted


def test_each_view_keeps_a_ranking_of_its_own(
    run: vbench.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside that of the whole base, under which tables say which it is."""
    whole, own = run.rank("tower"), run.rank("tower", view="seen")
    assert whole.view is None
    assert whole.judged == JUDGED
    (view,) = (each for each in run.manifest.views if each.filter == "seen")
    assert read_ranking(run.path) == whole
    assert read_ranking(run.path, view.key) == own
    printed = io.StringIO()
    monkeypatch.setattr(
        "vbench.render.terminal.rank.console", lambda: PlainConsole(file=printed, width=200)
    )
    print_ranking(own)
    assert "small under seen:" in printed.getvalue()
    assert f"kept in: {run.path}/{own.kept}" in printed.getvalue()


def test_what_is_not_in_the_index_yet_is_not_asked_for(dataset: Dataset, tmp_path: Path) -> None:
    """At an age of growth, and under a filter there."""
    run = vbench.run(
        dataset, "ivf-flat", k=K, builds=1, repeats=1, workload="growth:0.3", filters=CHEAP,
        settings={"nlist": [4], "nprobe": [4]}, out=tmp_path / "run",
    )  # fmt: skip
    ages = plan_ages(dataset, read_workload("growth:0.3", N))  # type: ignore[arg-type]
    for view in (ages[0].view, ages[2].view):
        live = {each.view.step: each.allowed.mask for each in ages}[view.step]
        pairs = {tuple(pair) for pair in dataset.relevance.select("query", "item").iter_rows()}
        there = {pair for pair in pairs if live[pair[1]]}
        name = f"growth:0.3@{view.step}"
        made = run.rank("tower", view=name)
        assert made.relevant == len(there)
        assert made.settings[0].leading.index_loss.value == 0
        cheap = run.rank("tower", view=f"{name} & {CHEAP}")
        assert cheap.relevant == len(there & passing(dataset, CHEAP))


def test_what_cannot_be_ranked_in_a_view_is_refused(
    run: vbench.Run, dataset: Dataset, tmp_path: Path
) -> None:
    """No such view; attributes that have changed since; nothing relevant that passes."""
    with pytest.raises(UnknownNameError, match=r"unknown view 'sen'; did you mean 'seen'"):
        run.rank("tower", view="sen")
    changed = dataset.items.with_columns(popularity=pl.lit(7))
    other = Dataset(
        dataset.name, dataset.base, dataset.queries, dataset.metric, items=changed,
        relevance=dataset.relevance, segments=dataset.segments,
    )  # fmt: skip
    with pytest.raises(VbenchError, match="'popularity < 50' is another one in small"):
        run.rank("tower", view=CHEAP, dataset=other)
    nothing = dataset.relevance.join(
        dataset.interactions, on=["query", "item"], how="semi"
    )  # fmt: skip
    seen = Dataset(
        dataset.name, dataset.base, dataset.queries, dataset.metric, relevance=nothing,
        interactions=dataset.interactions,
    )  # fmt: skip
    with pytest.raises(DataError, match="no relevant item passes the filter"):
        run.rank("tower", view="seen", dataset=seen)


def test_an_export_hands_over_what_may_answer(
    run: vbench.Run, dataset: Dataset, tmp_path: Path
) -> None:
    """Candidates, exact ones, and judgments alike."""
    export_all([open_view(run, "seen")], tmp_path / "out", "parquet", K, dataset)
    allowed = read_filter("seen").resolve(dataset, 0)
    for path in (tmp_path / "out").glob("*.parquet"):
        frame = pl.read_parquet(path)
        if "item" in frame.columns:
            assert all(
                allowed.of_query(query)[item]
                for query, item in frame.select("query", "item").iter_rows()
            ), path.name
