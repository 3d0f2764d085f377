"""A ranking that is stored: one that an older version left is read too."""

from __future__ import annotations

from pathlib import Path

import pytest

from vbench._document import Interval
from vbench.analysis.ranking import read_ranking
from vbench.errors import DamagedFileError
from vbench.runs import files

SPAN = {"value": 0.3, "low": 0.2, "high": 0.4}
GROUP = {"share": 1.0, "mean_recall": 0.9, "exact": SPAN, "value": SPAN, "index_loss": SPAN}
OLD = {
    "schema": "vbench.rank/1",
    "run": "run",
    "runs": ["run"],
    "dataset": {"name": "small", "fingerprint": "f", "n": 300, "m": 90},
    "k": 20,
    "cutoff": 10,
    "judged": 70,
    "relevant": 170,
    "exact": {"found": 0.8, "popular": None, "chance": 0.1},
    "rankers": [
        {
            "ranker": "tower",
            "measures": {"nDCG@10": {"exact": SPAN, "model_loss": SPAN}},
            "kendall": 1.0,
            "above_popularity": None,
            "beats_popularity": None,
        }
    ],
    "settings": [
        {
            "run": "run",
            "ranker": "tower",
            "index": "hnsw",
            "build": {"M": 16},
            "setting": {"ef": 16},
            "space": None,
            "k": 20,
            "builds": 2,
            "recall": 0.9,
            "survival": 0.95,
            "kendall": None,
            "measures": {"nDCG@10": {"value": SPAN, "index_loss": SPAN}},
            "worst": GROUP,
            "buckets": [{"recall": "0 – 0.5", **GROUP}],
            "segments": [{"column": "activity", "group": "heavy", **GROUP}],
        }
    ],
    "prediction": [
        {
            "ranker": "tower",
            "quality": "nDCG@10",
            "trials": 2,
            "settings": 1,
            "pairs": 0,
            "pairs_near": 0,
            "measures": [
                {
                    "measure": "Recall@20",
                    "correlation": 0.8,
                    "correlation_low": 0.5,
                    "correlation_high": 0.9,
                    "misordered": None,
                    "misordered_low": None,
                    "misordered_high": None,
                    "misordered_near": None,
                }
            ],
        }
    ],
    "delta": [
        {
            "ranker": "tower",
            "quality": "nDCG@10",
            "recall": "Recall@20",
            "keep": 0.9,
            "delta": 0.5,
            "low": 0.4,
            "high": 0.6,
            "note": "",
            "levels": [
                {
                    "recall": 0.5,
                    "cells": 8,
                    "queries": 4,
                    "relative": 0.9,
                    "low": 0.8,
                    "high": 1.0,
                }
            ],
        }
    ],
    "failed": [],
    "warnings": [{"about": "relevance", "message": "few", "why": "chance", "remedy": "look"}],
}


@pytest.mark.parametrize("name", ["rank.json", "ranking.json"])
def test_a_ranking_of_the_first_schema_is_read(tmp_path: Path, name: str) -> None:
    """Flat intervals become intervals; under the name that it had then, too."""
    files.write_json(tmp_path / name, OLD)
    found = read_ranking(tmp_path)
    (setting,) = found.settings
    assert (setting.name, setting.missing, setting.same) == ("hnsw M=16 ef=16", 0, [])
    assert setting.leading.index_loss == Interval(0.3, 0.2, 0.4)
    assert found.prediction[0].measures[0].correlation == Interval(0.8, 0.5, 0.9)
    assert found.delta[0].delta == Interval(0.5, 0.4, 0.6)
    assert found.delta[0].levels[0].relative == Interval(0.9, 0.8, 1.0)
    assert found.warnings[0].why == "chance"


def test_a_ranking_that_lacks_something_is_damaged(tmp_path: Path) -> None:
    """The message names what is missing, and what to do."""
    files.write_json(tmp_path / "rank.json", {key: OLD[key] for key in OLD if key != "delta"})
    with pytest.raises(DamagedFileError, match=r"without 'delta'"):
        read_ranking(tmp_path)
