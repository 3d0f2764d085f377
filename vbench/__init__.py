"""vbench measures how evenly a vector index answers, not only how well on average."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from vbench.analysis.audit import DataAudit as DataAudit
    from vbench.analysis.audit import audit as audit
    from vbench.analysis.claims import ClaimAudit as ClaimAudit
    from vbench.analysis.combine import Combination as Combination
    from vbench.analysis.comparison import Comparison as Comparison
    from vbench.analysis.ranking import RankingLoss as RankingLoss
    from vbench.analysis.skew import Skew as Skew
    from vbench.analysis.skew import skew as skew
    from vbench.analysis.summary import Summary as Summary
    from vbench.analysis.tail import TailReport as TailReport
    from vbench.analysis.tuning import Tuning as Tuning
    from vbench.analysis.watching import Watch as Watch
    from vbench.api.analyses import combine as combine
    from vbench.api.analyses import compare as compare
    from vbench.api.analyses import rank as rank
    from vbench.api.analyses import report as report
    from vbench.api.analyses import tail as tail
    from vbench.api.claims import audit_index as audit_index
    from vbench.api.importing import import_results as import_results
    from vbench.api.measuring import run as run
    from vbench.api.measuring import tune as tune
    from vbench.api.measuring import verify as verify
    from vbench.api.runs import Run as Run
    from vbench.api.runs import open as open  # noqa: A004 (read as vbench.open)
    from vbench.api.watching import watch as watch
    from vbench.data.dataset import Dataset as Dataset
    from vbench.data.dataset import GroundTruth as GroundTruth
    from vbench.data.importing.imported import import_dataset as import_dataset
    from vbench.data.load import load as load
    from vbench.errors import DataError as DataError
    from vbench.errors import VbenchError as VbenchError
    from vbench.errors import VbenchWarning as VbenchWarning
    from vbench.indexes.protocol import Filter as Filter
    from vbench.indexes.protocol import Graph as Graph
    from vbench.indexes.protocol import Index as Index
    from vbench.indexes.recipe import Recipe as Recipe
    from vbench.measures.base import Measure as Measure
    from vbench.measures.cost import QPS as QPS
    from vbench.measures.cost import BatchQPS as BatchQPS
    from vbench.measures.cost import BestLatency as BestLatency
    from vbench.measures.cost import BuildTime as BuildTime
    from vbench.measures.cost import CpuTime as CpuTime
    from vbench.measures.cost import FilterSetup as FilterSetup
    from vbench.measures.cost import IndexSize as IndexSize
    from vbench.measures.cost import Latency as Latency
    from vbench.measures.cost import PeakMemory as PeakMemory
    from vbench.measures.cost import Price as Price
    from vbench.measures.cost import Work as Work
    from vbench.measures.items import ItemRecall as ItemRecall
    from vbench.measures.items import ItemRobustness as ItemRobustness
    from vbench.measures.items import LostItems as LostItems
    from vbench.measures.order import MAP as MAP
    from vbench.measures.order import MRR as MRR
    from vbench.measures.order import Ratio as Ratio
    from vbench.measures.order import nDCG as nDCG
    from vbench.measures.recall import CVaR as CVaR
    from vbench.measures.recall import Failure as Failure
    from vbench.measures.recall import Percentile as Percentile
    from vbench.measures.recall import Recall as Recall
    from vbench.measures.recall import Robustness as Robustness
    from vbench.measures.served import Served as Served
    from vbench.ranking.protocol import Ranker as Ranker
    from vbench.runs.settings import Setting as Setting

_HOMES = {
    "vbench.analysis.audit": ("DataAudit", "audit"),
    "vbench.analysis.summary": ("Summary",),
    "vbench.analysis.tail": ("TailReport",),
    "vbench.api.importing": ("import_results",),
    "vbench.api.measuring": ("run", "tune", "verify"),
    "vbench.api.analyses": ("combine", "compare", "rank", "report", "tail"),
    "vbench.api.runs": ("Run", "open"),
    "vbench.data.dataset": ("Dataset", "GroundTruth"),
    "vbench.data.importing.imported": ("import_dataset",),
    "vbench.data.load": ("load",),
    "vbench.errors": ("DataError", "VbenchError", "VbenchWarning"),
    "vbench.indexes.protocol": ("Filter", "Graph", "Index"),
    "vbench.indexes.recipe": ("Recipe",),
    "vbench.measures.base": ("Measure",),
    "vbench.measures.cost": (
        *("BatchQPS", "BestLatency", "BuildTime", "CpuTime", "FilterSetup"),
        *("IndexSize", "Latency"),
        *("PeakMemory", "Price", "QPS", "Work"),
    ),
    "vbench.measures.items": ("ItemRecall", "ItemRobustness", "LostItems"),
    "vbench.measures.order": ("MAP", "MRR", "Ratio", "nDCG"),
    "vbench.measures.recall": ("CVaR", "Failure", "Percentile", "Recall", "Robustness"),
    "vbench.measures.served": ("Served",),
    "vbench.ranking.protocol": ("Ranker",),
    "vbench.runs.settings": ("Setting",),
    "vbench.analysis.claims": ("ClaimAudit",),
    "vbench.api.claims": ("audit_index",),
    "vbench.analysis.combine": ("Combination",),
    "vbench.analysis.comparison": ("Comparison",),
    "vbench.analysis.ranking": ("RankingLoss",),
    "vbench.analysis.tuning": ("Tuning",),
    "vbench.analysis.skew": ("Skew", "skew"),
    "vbench.analysis.watching": ("Watch",),
    "vbench.api.watching": ("watch",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
# A star import must leave the builtin `open` alone.
__all__ = ["__version__", *sorted(_HOME_OF.keys() - {"open"})]


def __getattr__(name: str) -> Any:
    """Import the public names when they are first asked for: `vbench --help` needs none."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'vbench' has no attribute {name!r}")
    import importlib

    found = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*__all__, "open"})
