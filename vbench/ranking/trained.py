"""The rankers that learn (extra `towers`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench.ranking.learned import describe, fit_network, home_of_rankers, past_of
from vbench.ranking.options import Options
from vbench.ranking.protocol import Material, Ranker, Rows, rankers, resolve

if TYPE_CHECKING:
    from vbench.ranking.ranked import ListWise


class Trained(Ranker):
    """A network over the features of pairs; what it learned is kept in vbench's home folder."""

    network: ClassVar[str]
    size: ClassVar[tuple[int, int]]
    takes = Options
    is_seeded = True

    def __init_subclass__(cls, network: str, width: int, depth: int = 2) -> None:
        cls.network, cls.size = network, (width, depth)

    def __init__(self, options: Options | None = None) -> None:
        given, (width, depth) = options or Options(), self.size
        self.options = msgspec.structs.replace(
            given, width=given.width or width, depth=given.depth or depth
        )

    def fit(self, material: Material) -> None:
        """Learn from the interactions, or read what an earlier call learned from the same.

        Raises
        ------
        VbenchError
            jax or optax is not installed, the interactions cannot be had, or do not fit.
        """
        from vbench.towers.pipeline import start_jax

        start_jax()
        folder = home_of_rankers()
        past = past_of(material, folder)
        learner, weights = fit_network(self.network, self.options, material, past, folder)
        self._score = learner.scorer(weights)
        self._facts = describe(learner, weights)

    def score(self, queries: Rows, candidates: Rows) -> NDArray[np.floating]:
        return self._score(queries, candidates)

    def facts(self) -> dict[str, float]:
        return self._facts


class Cross(Trained, network="cross", width=32):
    """Feature crossing in the manner of DCN-v2."""


class Mixer(Trained, network="mixer", width=8):
    """Token fusion and token boost in the manner of UniMixer and Zenith."""


class Zenith(Trained, network="zenith", width=16):
    """Prime tokens, token fusion and token boost."""


class UniMixer(Trained, network="unimixer", width=8):
    """Learned token mixing, without a boost."""


class HyFormer(Trained, network="hyformer", width=8):
    """Query decoding over the user's history, and query boosting, in turn."""


class Msn(Trained, network="msn", width=32):
    """A memory of product keys that gates a cross network."""


def read_variant(name: str) -> tuple[str, Options] | None:
    """The network of a trained ranker, and its options with every size, by its name.

    None where that is no ranker of these.
    """
    own = {kind.network: kind for kind in Trained.__subclasses__()}
    plain = name.partition("(")[0]
    if plain not in own or plain not in rankers():
        return None
    ranker = resolve(name)
    return (plain, ranker.options) if isinstance(ranker, Trained) else None


def fit_list_wise(material: Material, ranker: Ranker) -> ListWise:
    """A list-wise stage that learned behind `ranker`, from what users took next.

    Raises
    ------
    VbenchError
        jax or optax is not installed, or there is too little to learn from.
    """
    from vbench.towers.pipeline import start_jax

    start_jax()
    from vbench.ranking.glorank import GloRank

    past = past_of(material, home_of_rankers())
    return GloRank(material, ranker, past.next_query, past.next_item)
