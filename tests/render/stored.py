"""Documents that `vbench compare` and `vbench rank` leave in a run folder, made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vbench._document import Interval
from vbench.analysis.ranking import (
    DeltaChoice,
    ExactSearch,
    Gain,
    Group,
    IndexLoss,
    JudgedDataset,
    Kept,
    LossLevel,
    ModelLoss,
    Prediction,
    RankedSetting,
    RankerPredictors,
    RankerRow,
    RankerShare,
    RankingLoss,
    SegmentGain,
)
from vbench.analysis.ranking import store_ranking as store
from vbench.runs import files
from vbench.runs.schema import Warn


def store_comparisons(folder: Path) -> None:
    """One difference shown, one not, and one that one build of each cannot tell."""
    common = {
        "k": 10,
        "baseline": "hnsw ef=16",
        "candidate": "ivf-flat ef=16",
        "claim": "indexes differ",
    }

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

    discordant = {"both": 1, "neither": 2, "only_baseline": [3, 4], "only_candidate": []}
    document = {
        "schema": "vbench.compare/1",
        "comparisons": [
            entry(
                "Failure@10",
                -0.05,
                different=True,
                better="candidate",
                changed_sides=discordant,
                verdict="<ivf-flat> beats hnsw",
            ),
            entry("Recall@10", 0.002),
            entry("QPS", None),
        ],
    }
    files.write_json(folder / files.COMPARISONS, document)


def store_ranking(folder: Path) -> None:
    """Two rankers over two settings, with a choice of δ and one that could not be made."""

    def interval(value: float) -> Interval:
        return Interval(value, value - 0.01, value + 0.01)

    exact = ModelLoss(exact=interval(0.3), model_loss=interval(0.7))
    lost = IndexLoss(value=interval(0.29), index_loss=interval(0.01), relative_loss=1 / 30)
    whole = Group(
        share=1.0,
        mean_recall=0.9,
        exact=interval(0.3),
        value=interval(0.29),
        index_loss=interval(0.01),
    )
    rankers = ("tower", "<cross>")
    store(
        folder,
        RankingLoss(
            run=str(folder),
            runs=[str(folder)],
            dataset=JudgedDataset(name="small", fingerprint="f", n=200, m=40),
            k=100,
            cutoff=10,
            judged=40,
            relevant=80,
            exact=ExactSearch(found=0.5, popular=None, chance=0.1),
            rankers=[
                RankerRow(
                    ranker=name,
                    measures={"nDCG@10": exact},
                    kendall=0.5,
                    above_popularity=None,
                    beats_popularity=beats,
                    gains=[
                        Gain(
                            over="popularity",
                            gain=interval(0.02),
                            segments=[
                                SegmentGain(column="taste", group="head", gain=interval(0.03))
                            ],
                            of_teacher=interval(0.6),
                        )
                    ],
                )
                for name, beats in zip(rankers, (True, None), strict=True)
            ],
            settings=[
                RankedSetting(
                    name=f"{index} ef=16",
                    index=index,
                    build={},
                    setting={"ef": 16},
                    k=100,
                    builds=2,
                    run=str(folder),
                    ranker=name,
                    same=[],
                    recall=0.9,
                    survival={1: 0.99, 3: 0.97, 10: 0.95},
                    kendall=0.5,
                    measures={"nDCG@10": lost},
                    worst=whole,
                    buckets=[],
                    segments=[],
                )
                for name in rankers
                for index in ("hnsw", "ivf-flat")
            ],
            levels=[
                LossLevel(
                    measure="Recall@100",
                    low=0.9,
                    high=1.0,
                    trials=2,
                    shares=[RankerShare(ranker=name, share=interval(0.03)) for name in rankers],
                    slope=Interval(None),
                )
            ],
            prediction=[
                RankerPredictors(
                    ranker=name,
                    quality="nDCG@10",
                    trials=4,
                    settings=2,
                    pairs=3,
                    pairs_near=1,
                    measures=[
                        Prediction(
                            measure="Recall@100",
                            correlation=Interval(0.8, 0.5),
                            misordered=Interval(0.1),
                            misordered_near=None,
                        ),
                        Prediction(
                            measure="Failure@100",
                            correlation=Interval(None),
                            misordered=Interval(None),
                            misordered_near=None,
                        ),
                    ],
                )
                for name in rankers
            ],
            delta=[
                DeltaChoice(
                    ranker=name,
                    quality="nDCG@10",
                    recall="Recall@100",
                    keep=0.9,
                    delta=Interval(delta, 0.4),
                    note="quality never falls",
                    levels=[
                        Kept(recall=x, cells=18, queries=9, relative=Interval(x, 0.0, 1.0))
                        for x in (0.2, 0.8)
                    ],
                )
                for name, delta in zip(rankers, (0.5, None), strict=True)
            ],
            failed=[],
            warnings=[Warn("relevance", "few", "chance", "look")],
        ),
    )
