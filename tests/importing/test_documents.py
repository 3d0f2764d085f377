"""Results in JSON: what qdrant's benchmark and VectorDBBench say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from imported import write_qdrant, write_vectordbbench

from vbench.analysis.imported import Means
from vbench.importing.documents import read_json
from vbench.importing.results import Result, ResultError

HITS = np.array([10, 9, 0, 7])


def test_details_of_one_process_are_hits_of_each_query(tmp_path: Path) -> None:
    """Precision × K is a whole number of hits; parameters are those of the search."""
    (found,) = read_json(write_qdrant(tmp_path / "q.json", HITS), 10)
    assert isinstance(found, Result)
    assert (found.algorithm, found.rule, found.k) == ("qdrant", "id", 10)
    assert found.parameters == {"experiment": "qdrant-m-16", "hnsw_ef": 64}
    arrays = found.read()
    assert arrays.ids is None
    np.testing.assert_array_equal(arrays.hits, HITS)
    np.testing.assert_allclose(arrays.seconds, 0.001)


def test_several_processes_leave_no_order(tmp_path: Path) -> None:
    """Which query a recall belongs to is lost, so they are means."""
    (found,) = read_json(write_qdrant(tmp_path / "q.json", HITS, parallel=8), 10)
    assert isinstance(found, Means)
    assert (found.recall, found.qps, found.parameters["parallel"]) == (0.9, 100.0, 8)


def test_means_alone_are_means(tmp_path: Path) -> None:
    """Without details nothing is known of a query."""
    (found,) = read_json(write_qdrant(tmp_path / "q.json", None), None)
    assert isinstance(found, Means)


def test_an_upload_is_no_result(tmp_path: Path) -> None:
    """Its file lies beside those of searches."""
    path = tmp_path / "u.json"
    path.write_text('{"params": {}, "results": {"upload_time": 3.0}}')
    assert list(read_json(path, None)) == []


def test_k_has_to_be_known(tmp_path: Path) -> None:
    """A share of unknown K is no number of hits; a wrong K is seen."""
    path = write_qdrant(tmp_path / "q.json", HITS)
    with pytest.raises(ResultError, match="give it with -k"):
        list(read_json(path, None))
    with pytest.raises(ResultError, match="no multiples of 1/7"):
        list(read_json(path, 7))


def test_vectordbbench_has_means(tmp_path: Path) -> None:
    """Names, parameters and numbers as it keeps them; what is masked stays out."""
    (found,) = read_json(write_vectordbbench(tmp_path / "v.json"), None)
    assert isinstance(found, Means)
    assert (found.index, found.k, found.recall) == ("PgVector 2c8g", 100, 0.925)
    assert found.parameters == {"M": 16, "efConstruction": 256}
    assert found.build_seconds == 49.5


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1}', '{"task_label": "", "results": [1]}'])
def test_other_json_is_one_line(tmp_path: Path, text: str) -> None:
    """The file is named, and what it is not."""
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(ResultError, match=r"x\.json"):
        list(read_json(path, None))
