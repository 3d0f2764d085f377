"""Hand-off: what is written can be read elsewhere, and back."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import ir_measures
import numpy as np
import polars as pl
import pytest
from ir_measures import AP, RR, Success, nDCG
from ranked_run import JUDGED, M, N, judged_dataset, ranked_run

from vbench.data.dataset import Dataset
from vbench.errors import DataError, VbenchError
from vbench.metric import distance
from vbench.ranking.handoff import export, export_all
from vbench.ranking.intake import Given, read_scores
from vbench.ranking.protocol import Material
from vbench.ranking.ranked import score
from vbench.ranking.simple import Tower
from vbench.ranking.stage import set_up
from vbench.runs import tables
from vbench.runs.run import Run

NAMES = {nDCG @ 10: "nDCG@10", RR @ 10: "MRR@10", Success @ 10: "Hit@10", AP @ 10: "MAP@10"}


def test_a_trec_run_read_by_ir_measures_scores_the_same(
    run: Run, dataset: Dataset, tmp_path: Path
) -> None:
    """Every trial and the control: the similarity ranker's numbers, to the last digits."""
    tower = Tower()
    tower._dataset = dataset
    stage = set_up([run], dataset)
    ranked = score(stage, tower, "tower")
    trials = [trial for case in stage.cases for trial in case.setting.trials]
    for number, trial in enumerate(trials):
        own, exact, qrels = export(run, trial, tmp_path / "out", "trec", dataset=dataset)
        for file, ours in (
            (own, {name: values[number] for name, values in ranked.trials.items()}),
            (exact, ranked.exact),
        ):
            judged = list(ir_measures.read_trec_qrels(str(qrels)))
            listed = list(ir_measures.read_trec_run(str(file)))
            values = ir_measures.calc_aggregate(list(NAMES), judged, listed)
            for measure, name in NAMES.items():
                assert values[measure] == pytest.approx(ours[name].mean(), abs=1e-6), name


def test_scores_fall_strictly(run: Run, dataset: Dataset, tmp_path: Path) -> None:
    """Score = K − rank: no ties for trec_eval to break, whatever it keeps of the digits."""
    file, *_ = export(run, run.done[0], tmp_path, "trec", dataset=dataset)
    rows = [line.split() for line in file.read_text().splitlines()]
    assert rows[0][1] == "Q0"
    assert [int(row[4]) for row in rows[:20]] == [20 - int(row[3]) for row in rows[:20]]
    assert [int(row[3]) for row in rows[:20]] == list(range(1, 21))


def test_parquet_keeps_the_similarity_and_the_tail(
    run: Run, dataset: Dataset, tmp_path: Path
) -> None:
    """Candidates with similarity in float64, queries with hits and tail flags, judgments."""
    trial = run.done[0]
    files = {
        file.name.rpartition(".")[0].rpartition(".")[2] or file.stem: file
        for file in export(run, trial, tmp_path, "parquet", dataset=dataset)
        if not file.name.startswith("exact")
    }
    rows = pl.read_parquet(files["candidates"])
    near = distance(dataset.queries[rows["q_id"]], dataset.base[rows["doc_id"]], "ip")
    np.testing.assert_allclose(rows["similarity"], -near)
    assert rows["similarity"].dtype == pl.Float64
    queries = pl.read_parquet(files["queries"])
    np.testing.assert_array_equal(queries["hits"], run.answers(trial).hits)
    assert {"activity", "recall", "tail", "hardness_lid_10"} <= set(queries.columns)
    assert (queries["tail"] == (queries["recall"] < 0.9)).all()
    assert len(pl.read_parquet(files["relevance"])) == len(dataset.relevance)


def test_parquet_keeps_the_hardness_and_every_segment(tmp_path: Path) -> None:
    """Hardness as `vbench tail` computes it, in its own graph too; a taken name gets another."""
    segments = pl.DataFrame({"q_id": np.arange(M) % 2, "hits": np.arange(M) % 3, "norm": 1.5})
    dataset = judged_dataset(tmp_path / "named", queries=segments)
    run = ranked_run(tmp_path / "run", dataset)
    *_, before, _ = export(run, run.done[0], tmp_path / "before", "parquet", dataset=dataset)
    assert "hardness_escape_hardness" not in pl.read_parquet(before).columns
    in_graph = {"escape_hardness": np.arange(M) / M, "in_degree": np.arange(M) % 5.0}
    tables.write_graph_hardness(run.path, run.done[0].key, in_graph)
    *_, file, _ = export(run, run.done[0], tmp_path / "out", "parquet", dataset=dataset)
    queries = pl.read_parquet(file)
    for name, values in in_graph.items():
        assert queries[f"hardness_{name}"].to_list() == values.tolist()
    assert queries["q_id"].to_list() == list(range(M))
    assert queries["segment_q_id"].to_list() == segments["q_id"].to_list()
    assert queries["segment_hits"].to_list() == segments["hits"].to_list()
    kept = run.hardness(20)
    assert kept is not None
    for name in kept.columns:
        np.testing.assert_array_equal(queries[f"hardness_{name}"], kept[name])


def test_an_exported_ranking_comes_back_as_it_was(
    run: Run, dataset: Dataset, tmp_path: Path
) -> None:
    """Exact candidates as a TREC run or as Parquet: the ranker that reads them keeps the order."""
    export_all([run], tmp_path, "trec", None, dataset)
    export_all([run], tmp_path, "parquet", None, dataset)
    stage = set_up([run], dataset)
    for name in ("exact.run", "exact.candidates.parquet"):
        given = Given(str(tmp_path / name))
        given._n, given._scores = N, read_scores(tmp_path / name, dataset.m, N)
        ranked = score(stage, given, name)
        assert np.nanmin(ranked.kendall[0]) == 1.0
        (warning,) = ranked.warnings
        assert "has no score for" in warning


@pytest.mark.parametrize("kind", ["text", "whole", "spaces"])
@pytest.mark.parametrize("form", ["trec", "parquet"])
def test_ids_go_out_and_come_back(tmp_path: Path, kind: str, form: str) -> None:
    """Queries and documents are named as their files do; a TREC run has no names with spaces."""
    plain = judged_dataset(tmp_path / "plain")
    ids = {
        "text": ([f"u{i}" for i in range(M)], [f"i{i}" for i in range(N)]),
        "whole": (np.roll(np.arange(M), 3), np.roll(np.arange(N), 5)),
        "spaces": ([f"a {i}" for i in range(M)], [f"b {i}" for i in range(N)]),
    }[kind]
    dataset = dataclasses.replace(
        plain,
        segments=plain.segments.with_columns(user_id=pl.Series(ids[0])),
        items=plain.items.with_columns(item_id=pl.Series(ids[1])),
    )
    assert (dataset.query_id, dataset.item_id) == ("user_id", "item_id")
    run = ranked_run(tmp_path / "run", dataset)
    export_all([run], tmp_path / "out", form, None, dataset)
    name = {"trec": "exact.run", "parquet": "exact.candidates.parquet"}[form]
    if form == "parquet":
        rows = pl.read_parquet(tmp_path / "out" / name)
        assert rows["q_id"].to_list() == dataset.query_ids.gather(rows["query"]).to_list()
        assert rows["doc_id"].to_list() == dataset.item_ids.gather(rows["item"]).to_list()
    else:
        word = (tmp_path / "out" / name).read_text().split()[0]
        assert word == ("0" if kind == "spaces" else str(ids[0][0]))
    stage = set_up([run], dataset)
    given = Given(str(tmp_path / "out" / name))
    given.fit(Material(dataset, run.ground_truth.ids, lambda: None, "none", 0))
    assert np.nanmin(score(stage, given, name).kendall[0]) == 1.0


def test_each_trial_has_a_name_of_its_own(run: Run, dataset: Dataset, tmp_path: Path) -> None:
    """Six trials, the control and the judgments."""
    made = export_all([run], tmp_path, "trec", 20, dataset)
    assert len(made.trials) == 6
    assert len(made.files) == 8
    assert str(tmp_path / "hnsw-M=16-ef=16-k20-build1.run") in made.files


def test_grades_that_qrels_cannot_hold_are_refused(
    run: Run, dataset: Dataset, tmp_path: Path
) -> None:
    """Half a grade is no whole number; Parquet takes it."""
    half = pl.DataFrame({"query": [0], "item": [1], "grade": [0.5]})
    changed = dataclasses.replace(dataset, relevance=half)
    with pytest.raises(VbenchError, match="--format parquet"):
        export(run, run.done[0], tmp_path, "trec", dataset=changed)
    export(run, run.done[0], tmp_path, "parquet", dataset=changed)


def test_a_run_with_ties_is_ordered_as_trec_eval_does(tmp_path: Path) -> None:
    """Scores that are equal in 32 bits: the larger name, as text, comes first."""
    path = tmp_path / "ties.run"
    path.write_text("0 Q0 9 1 1.0 x\n0 Q0 10 2 1.00000000001 x\n0 Q0 3 3 2.0 x\n1 Q0 4 1 0.5 x\n")
    scores = read_scores(path, 2, 20)
    order = scores.key[:3][np.argsort(-scores.score[:3])]
    assert order.tolist() == [3, 9, 10]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"q_id": [0], "doc_id": [1], "score": [float("nan")]}, "row 0: the score is nan"),
        ({"q_id": [0], "doc_id": [N], "score": [1.0]}, f"row 0: doc_id {N} is unknown"),
        ({"q_id": [90], "doc_id": [1], "score": [1.0]}, "row 0: q_id 90 is unknown"),
        ({"q_id": [0, 0], "doc_id": [1, 1], "score": [1.0, 2.0]}, "row 1: query 0 and item 1 were"),
        ({"q_id": [0], "doc_id": [1]}, "no column 'score' or 'rank'"),
        ({"query": [0], "doc_id": [1], "score": [1.0]}, "no column 'q_id'"),
        ({"q_id": [0], "doc_id": [1], "score": ["high"]}, "must hold numbers"),
        ({"q_id": [], "doc_id": [], "score": []}, "holds no scores"),
    ],
)
def test_scores_that_do_not_fit_are_refused(
    tmp_path: Path, frame: dict[str, list[object]], message: str
) -> None:
    """The file, the row and what is wrong with it."""
    path = tmp_path / "scores.parquet"
    pl.DataFrame(frame).write_parquet(path)
    with pytest.raises(DataError, match=message):
        read_scores(path, 90, N)


def test_a_trec_run_that_is_none_is_refused(tmp_path: Path) -> None:
    """Too few columns, names that are no row numbers, no file at all."""
    path = tmp_path / "bad.run"
    path.write_text("0 Q0 9 1 1.0\n")
    with pytest.raises(DataError, match="line 1 has 5 columns"):
        read_scores(path, 90, N)
    path.write_text("0 Q0 9 1 1.0 x\n0 Q0 doc-7 1 1.0 x\n")
    with pytest.raises(DataError, match="line 2: 'doc-7' is no row number"):
        read_scores(path, 90, N)
    path.write_text("\n 0 Q0\t9 1 1.0 x\r\n\n0 Q0 7 1 high x\n")
    with pytest.raises(DataError, match="line 4: 'high' is no finite number"):
        read_scores(path, 90, N)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"no text.*\.parquet or \.csv"):
        read_scores(path, 90, N)
    with pytest.raises(DataError, match="no such file"):
        read_scores(tmp_path / "none.run", 90, N)


def test_ranks_stand_for_scores(tmp_path: Path) -> None:
    """Where there is no score, a lower rank is better."""
    path = tmp_path / "ranks.parquet"
    pl.DataFrame({"q_id": [0, 0], "doc_id": [5, 4], "rank": [1, 2]}).write_parquet(path)
    scores = read_scores(path, 90, N)
    assert scores.key.tolist() == [4, 5]
    assert scores.score[1] > scores.score[0]


def test_a_file_without_any_candidate_is_an_error(
    run: Run, dataset: Dataset, tmp_path: Path
) -> None:
    """Scores of a query that is not judged help nobody."""
    path = tmp_path / "none.parquet"
    pl.DataFrame({"q_id": [JUDGED], "doc_id": [0], "score": [1.0]}).write_parquet(path)
    given = Given(str(path))
    given._n, given._scores = N, read_scores(path, dataset.m, N)
    with pytest.raises(DataError, match="scores none of the candidates"):
        score(set_up([run], dataset), given, "given")
