"""The document of a ranking: what it holds, where it is kept, what it warns of."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from ranked_run import JUDGED, judged_dataset, ranked_run, taken_dataset
from run_folder import RunFolder

from vbench._document import Interval
from vbench.analysis.rank import rank, rank_setting
from vbench.analysis.ranking import RankingLoss, read_ranking
from vbench.bench.journal import dataset_facts
from vbench.data.dataset import Dataset, GroundTruth
from vbench.errors import VbenchError
from vbench.measures.grammar import parse
from vbench.metric import distance
from vbench.ranking.protocol import Material, Ranker, Rows
from vbench.runs import files
from vbench.runs.run import Run


def test_losses_of_model_and_index_add_up(run: Run, dataset: Dataset) -> None:
    """Perfect − model − index = what a trial reaches, for every measure that all queries have."""
    made = rank([run], dataset=dataset)
    assert [each.ranker for each in made.rankers] == ["tower", "popularity"]
    for each in made.settings:
        ranker = next(row for row in made.rankers if row.ranker == each.ranker)
        for name, perfect in (("nDCG@10", 1), ("MRR@10", 1), ("Hit@10", 1)):
            model = ranker.measures[name].model_loss.value
            index = each.measures[name].index_loss
            value = each.measures[name].value.value
            assert value == pytest.approx(perfect - model - index.value)
            assert index.low <= index.value <= index.high


def test_one_setting_is_ranked_as_among_all(run: Run, dataset: Dataset) -> None:
    """Its change of nDCG@10 is the loss that all together have, as a share of exact search."""
    made = rank([run], ["tower"], dataset=dataset)
    for setting, row in zip(run.settings(), made.settings, strict=True):
        found = rank_setting(setting, dataset)
        loss = row.leading.index_loss
        exact = made.rankers[0].leading.exact.value
        assert (found.measure, found.ranker) == ("nDCG@10", "tower")
        assert found.change.value == pytest.approx(-loss.value / exact)
        assert found.change.low == pytest.approx(-loss.high / exact)


def test_more_misses_lose_more(tmp_path: Path, dataset: Dataset) -> None:
    """The index that finds everything loses nothing; the worse of two others loses more."""
    run = ranked_run(tmp_path / "other", dataset, {"flat": {1: 0.0}, "hnsw": {1: 0.5, 2: 0.2}})
    made = rank([run], ["tower"], dataset=dataset)
    lost = [each.measures["nDCG@10"].index_loss.value for each in made.settings]
    assert lost[0] == 0
    assert lost[1] > lost[2] > 0
    assert [round(each.recall, 1) for each in made.settings] == [1.0, 0.5, 0.8]


def test_groups_are_parts_of_the_whole(run: Run, dataset: Dataset) -> None:
    """Buckets and segments, weighted by their share, give the loss of all; the worst is 5 %."""
    made = rank([run], ["tower"], dataset=dataset)
    for each in made.settings:
        whole = each.measures["nDCG@10"].index_loss.value
        for parts in (each.buckets, each.segments):
            total = sum(part.share * part.index_loss.value for part in parts if part.share)
            assert total == pytest.approx(whole)
        assert each.worst.share == pytest.approx(4 / 70)
        assert each.worst.mean_recall < each.recall
        assert {part.column for part in each.segments} == {"activity"}


def test_the_document_is_kept_in_the_run_folder(run: Run, dataset: Dataset) -> None:
    """Under its schema, equal to what was returned; what is no ranking of ours is refused."""
    made = rank([run], dataset=dataset)
    assert made.schema == "vbench.rank/2"
    assert read_ranking(run.path) == made == RankingLoss.from_json(made.to_json())
    files.write_json(run.path / files.RANK, made.to_builtins() | {"k": "many"})
    with pytest.raises(VbenchError, match=r"Expected `int`.*rank the run again"):
        read_ranking(run.path)
    (run.path / files.RANK).write_text("{")
    with pytest.raises(VbenchError, match="damaged"):
        read_ranking(run.path)
    files.write_json(run.path / files.RANK, {"schema": "vbench.rank/99"})
    with pytest.raises(VbenchError, match="newer vbench"):
        read_ranking(run.path)
    assert read_ranking(run.path.parent) is None


def test_each_of_several_runs_keeps_its_own(run: Run, dataset: Dataset, tmp_path: Path) -> None:
    """Together they are one document; each folder has the trials of its run alone."""
    second = ranked_run(tmp_path / "second", dataset, {"lsh": {4: 0.6}}, seed=9)
    made = rank([run, second], ["tower"], dataset=dataset)
    assert len(made.settings) == 4
    assert made.prediction[0].trials == 8
    assert [each.index for each in read_ranking(second.path).settings] == ["lsh"]
    assert len(read_ranking(run.path).settings) == 3


def test_judgments_that_do_not_fit_are_the_datas_fault(run: Run, dataset: Dataset) -> None:
    """Judgments of far items: a warning that blames data or model, and not the index."""
    far = np.argsort((dataset.queries @ dataset.base.T), axis=1)[:, :3]
    relevance = pl.DataFrame({"query": np.repeat(np.arange(90), 3), "item": far.ravel()})
    made = rank([run], ["tower"], dataset=dataclasses.replace(dataset, relevance=relevance))
    (warning,) = made.warnings
    assert warning.about == "relevance"
    assert "the data or the model is at fault and not the index" in warning.why
    assert made.exact.found == 0


def test_a_retriever_worse_than_popularity_is_named(run: Run, dataset: Dataset) -> None:
    """Judgments of the most popular items that retrieval finds now and then."""
    first = np.argsort(-dataset.items["popularity"].to_numpy())[:4]
    near = np.argsort(-(dataset.queries @ dataset.base.T), axis=1)[:, 0]
    query = np.concatenate([np.repeat(np.arange(90), 4), np.arange(90)])
    item = np.concatenate([np.tile(first, 90), near])
    relevance = pl.DataFrame({"query": query, "item": item})
    made = rank([run], ["tower"], dataset=dataclasses.replace(dataset, relevance=relevance))
    assert [each.about for each in made.warnings] == ["retriever"]


def test_where_worse_search_ranks_better_no_delta_and_no_predictors_are_given(
    tmp_path: Path,
) -> None:
    """Null, with the reason beside it; a line says so of that ranker, and not of another."""
    dataset = taken_dataset(tmp_path / "taken")
    run = ranked_run(tmp_path / "run", dataset, {"hnsw": {1: 0.5, 2: 0.3, 3: 0.1}})
    made = rank([run], ["tower", Backwards], dataset=dataset)
    tower, backwards = made.rankers
    assert tower.worse_ranks_better
    assert tower.trend.low < tower.trend.value < tower.trend.high < 0
    assert not backwards.worse_ranks_better
    (warning,) = made.warnings
    assert warning.code == "worse-ranks-better"
    assert re.fullmatch(
        r"for each 0\.1 that mean recall falls, nDCG@10 rises by 0\.0\d+ behind tower",
        warning.message,
    )
    first, second = made.to_builtins()["prediction"]
    assert (first["measures"], first["note"]) == (None, "worse search ranks better")
    assert second["measures"]
    for each in made.delta:
        refused = each.ranker == "tower"
        assert (each.note == "worse search ranks better") == refused
        assert each.levels
        assert (each.delta == Interval(None)) == refused
    assert read_ranking(run.path) == made


def test_survival_is_that_of_the_exact_top_1_3_and_10(tmp_path: Path, dataset: Dataset) -> None:
    """Each the mean of the measure of that name; as far as K goes."""
    run = ranked_run(tmp_path / "some", dataset)
    made = rank([run], ["tower"], dataset=dataset)
    judged = np.unique(dataset.relevance["query"].to_numpy())
    for row, setting in zip(made.settings, run.settings(), strict=True):
        for depth in (1, 3, 10):
            measure = parse(f"Recall(truth={depth})@20")
            values = [measure.value(each.of_queries(judged)) for each in setting.answers()]
            assert row.survival[depth] == pytest.approx(np.mean(values))
    few = rank([ranked_run(tmp_path / "few", dataset, k=2)], ["tower"], dataset=dataset)
    assert [list(each.survival) for each in few.settings] == [[1, 2]] * 3
    assert few.settings[0].survival[2] == pytest.approx(few.settings[0].recall)


def test_survival_of_the_top_predicts_where_recall_cannot(tmp_path: Path) -> None:
    """Two indexes of one recall, one of which misses the nearest: the top 1 and 3 tell them."""
    base = judged_dataset(tmp_path / "plain")
    near = np.argsort(distance(base.queries[:, np.newaxis], base.base, "ip"), axis=1)
    pairs = {"query": np.arange(JUDGED), "item": near[:JUDGED, 0]}
    dataset = judged_dataset(tmp_path / "nearest", relevance=pl.DataFrame(pairs))
    made = rank([uneven_run(tmp_path / "run", dataset, near)], ["tower"], dataset=dataset)
    (part,) = made.prediction
    found = {each.measure: each for each in part.measures}
    assert part.pairs_near == part.pairs > 0
    assert found["Recall@20"].misordered.value == 0.5
    for depth in (1, 3):
        assert found[f"Recall(truth={depth})@20"].misordered_near == 0


def uneven_run(folder: Path, dataset: Dataset, near: np.ndarray) -> Run:
    """One index misses the nearest of every query, the other the tenth of it."""
    truth = GroundTruth(near[:, :40].astype(np.int32), np.tile(np.arange(40.0), (len(near), 1)))
    made = RunFolder(folder, truth, dataset.segments)
    for name, missed in (("far", 9), ("near", 0)):
        for number in range(2):
            ids = np.delete(truth.ids, missed, axis=1)[:, :20]
            made.answer(made.trial(made.build(name, number), 1, 20), ids, np.full(len(near), 19))
    return made.close(dataset_facts(dataset))


class Backwards(Ranker):
    """The farthest first."""

    def fit(self, material: Material) -> None:
        self.dataset = material.dataset

    def score(self, queries: Rows, candidates: Rows) -> np.ndarray:
        data = self.dataset
        return distance(data.queries[queries][:, np.newaxis], data.base[candidates], data.metric)


def test_what_left_no_result_is_named(tmp_path: Path, dataset: Dataset) -> None:
    """`failed` and `missing` in the document, and one warning."""
    run = ranked_run(tmp_path / "some", dataset)
    files.trial_path(run.path, "b0-1-16-20").unlink()
    made = rank([Run(run.path)], ["tower"], dataset=dataset)
    assert [(each.index, each.build_number, each.run) for each in made.failed] == [
        ("hnsw", 1, str(run.path))
    ]
    (missing,) = made.missing
    assert missing.startswith(f"hnsw ef=16 K=20: 1 of 2 builds missing in {run.path} (not reached")
    assert [each.code for each in made.warnings] == ["missing-results"]
    assert [each.missing for each in made.settings] == [1, 0, 0]


def test_a_ranker_is_compared_with_popularity(run: Run, dataset: Dataset) -> None:
    """Similarity beats it here, clearly; popularity has nothing to be compared with."""
    made = rank([run], dataset=dataset)
    tower, popularity = made.rankers
    assert tower.beats_popularity is True
    assert tower.above_popularity.low > 0
    assert popularity.beats_popularity is None


def test_few_candidates_are_warned_of(tmp_path: Path, dataset: Dataset) -> None:
    """Ten candidates for a list of ten leave a ranker nothing to choose."""
    run = ranked_run(tmp_path / "ten", dataset, k=10)
    made = rank([run], ["tower"], dataset=dataset)
    assert [each.about for each in made.warnings] == ["candidates"]
    assert {each.recall for each in made.delta} == {"Recall@10"}
