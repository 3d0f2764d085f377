"""Documents that `vbench compare` and `vbench rank` leave in a run folder, made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vbench.runs import files


def store_comparisons(folder: Path) -> None:
    """One difference shown, one not, and one that one build of each cannot tell."""
    common = {"k": 10, "baseline": "hnsw ef=16", "candidate": "ivf-flat ef=16", "claim": "x"}

    def entry(measure: str, difference: float | None, **more: Any) -> dict[str, Any]:
        known = difference is not None
        return {
            **common,
            "measure": measure,
            "baseline_value": 0.9,
            "candidate_value": 0.91 if known else None,
            "difference": difference,
            "low": difference - 0.01 if difference is not None else None,
            "high": difference + 0.01 if difference is not None else None,
            "p": 0.01 if known else None,
            "p_holm": 0.02 if known else None,
            "different": False,
            "better": None,
            "detectable": 0.02 if known else None,
            "changed_sides": None,
            "verdict": "no difference shown",
            **more,
        }

    sides = {"both": 1, "neither": 2, "only_baseline": [3, 4], "only_candidate": []}
    document = {
        "schema": "vbench.compare/1",
        "comparisons": [
            entry(
                "Failure@10",
                -0.05,
                different=True,
                better="candidate",
                changed_sides=sides,
                verdict="<ivf-flat> beats hnsw",
            ),
            entry("Recall@10", 0.002),
            entry("QPS", None),
        ],
    }
    files.write_json(folder / files.COMPARISONS, document)


def store_ranking(folder: Path) -> None:
    """Two rankers over two settings, with a choice of δ and one that could not be made."""

    def interval(value: float) -> dict[str, float]:
        return {"value": value, "low": value - 0.01, "high": value + 0.01}

    rankers = ("tower", "<cross>")
    document = {
        "schema": "vbench.rank/1",
        "warnings": [{"about": "relevance", "message": "few", "why": "chance", "remedy": "look"}],
        "rankers": [
            {
                "ranker": name,
                "measures": {
                    "nDCG@10": {"exact": interval(0.3), "model_loss": interval(0.7)},
                },
                "beats_popularity": beats,
            }
            for name, beats in zip(rankers, (True, None), strict=True)
        ],
        "settings": [
            {
                "ranker": name,
                "index": index,
                "build": {},
                "setting": {"ef": 16},
                "k": 100,
                "recall": 0.9,
                "survival": 0.95,
                "measures": {"nDCG@10": {"value": interval(0.29), "index_loss": interval(0.01)}},
            }
            for name in rankers
            for index in ("hnsw", "ivf-flat")
        ],
        "prediction": [
            {
                "ranker": name,
                "measures": [
                    {
                        "measure": "Recall@100",
                        "correlation": 0.8,
                        "correlation_low": 0.5,
                        "correlation_high": None,
                        "misordered": 0.1,
                    },
                    {
                        "measure": "Failure@100",
                        "correlation": None,
                        "correlation_low": None,
                        "correlation_high": None,
                        "misordered": None,
                    },
                ],
            }
            for name in rankers
        ],
        "delta": [
            {
                "ranker": name,
                "recall": "Recall@100",
                "keep": 0.9,
                "delta": delta,
                "low": 0.4,
                "high": None,
                "note": "quality never falls",
                "levels": [
                    {"recall": x, "queries": 9, "relative": x, "low": 0.0, "high": 1.0}
                    for x in (0.2, 0.8)
                ],
            }
            for name, delta in zip(rankers, (0.5, None), strict=True)
        ],
    }
    files.write_json(folder / "rank.json", document)
