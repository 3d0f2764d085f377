"""Every network by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vbench.ranking.networks.base import Network, Shape, Size
from vbench.ranking.networks.cross import cross
from vbench.ranking.networks.hyformer import hyformer
from vbench.ranking.networks.mixer import mixer
from vbench.ranking.networks.msn import msn
from vbench.ranking.networks.unimixer import unimixer
from vbench.ranking.networks.zenith import zenith

NETWORKS: Mapping[str, Callable[[Shape, Size], Network]] = {
    "cross": cross,
    "hyformer": hyformer,
    "mixer": mixer,
    "msn": msn,
    "unimixer": unimixer,
    "zenith": zenith,
}
