"""The rankers that learn (extra `towers`), what they can be told, and what they learn from."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench import _paths
from vbench._locks import hold_lock
from vbench.data.dataset import Dataset
from vbench.data.files import whole_file
from vbench.errors import DataError
from vbench.ranking.features import Past
from vbench.ranking.protocol import Material, Ranker, Rows, rankers, resolve

if TYPE_CHECKING:
    from vbench.ranking.stage import ListWise
    from vbench.ranking.training import Aim, Learner
    from vbench.towers.recipe import Source

VERSION = 2
"""Part of the name of what is kept; a change of features or training makes another."""


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands in the brackets of ``zenith(width=64,depth=2)``.

    Attributes
    ----------
    width, depth
        The knob of scale: width of a token (of a layer, in `cross`; half keys of the memory, in
        `msn`), and number of blocks. Default: the ranker's own.
    teacher
        Learn from the scores of the same network, so many times as wide, too (Rec-Distill).
    pearl
        Weight of the percentiles of ratings within each user's own history (PEARL).
    segments
        Column of the queries whose segments have tokens of their own (MDL).
    """

    width: Annotated[int, msgspec.Meta(ge=4, le=256, multiple_of=4)] | None = None
    depth: Annotated[int, msgspec.Meta(ge=1, le=8)] | None = None
    teacher: Annotated[int, msgspec.Meta(ge=2, le=16)] | None = None
    pearl: Annotated[float, msgspec.Meta(gt=0, le=100)] | None = None
    segments: str = ""


class Trained(Ranker):
    """A network over the features of pairs; what it learned is kept in vbench's home folder."""

    network: ClassVar[str]
    width: ClassVar[int]
    depth: ClassVar[int] = 2
    takes = Options
    is_seeded = True

    def __init__(self, options: Options | None = None) -> None:
        given = options or Options()
        self.options = msgspec.structs.replace(
            given, width=given.width or self.width, depth=given.depth or self.depth
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
        folder = _paths.home() / "rankers"
        folder.mkdir(parents=True, exist_ok=True)
        past = _past(material, folder)
        learner, weights = _trained(self.network, self.options, material, past, folder)
        self._score = learner.scorer(weights)
        self._facts = _facts(learner, weights)

    def score(self, queries: Rows, candidates: Rows) -> NDArray[np.floating]:
        return self._score(queries, candidates)

    def facts(self) -> dict[str, float]:
        return self._facts


class Cross(Trained):
    """Feature crossing in the manner of DCN-v2."""

    network = "cross"
    width = 32


class Mixer(Trained):
    """Token fusion and token boost in the manner of UniMixer and Zenith."""

    network = "mixer"
    width = 8


class Zenith(Trained):
    """Prime tokens, token fusion and token boost."""

    network = "zenith"
    width = 16


class UniMixer(Trained):
    """Learned token mixing, without a boost."""

    network = "unimixer"
    width = 8


class HyFormer(Trained):
    """Query decoding over the user's history, and query boosting, in turn."""

    network = "hyformer"
    width = 8


class Msn(Trained):
    """A memory of product keys that gates a cross network."""

    network = "msn"
    width = 32


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


def _trained(
    name: str, options: Options, material: Material, past: Past, folder: Path
) -> tuple[Learner, Any]:
    """A network and its weights: those that are kept, or new ones, which then are."""
    from vbench.ranking import training
    from vbench.ranking.encoder import Encoder
    from vbench.ranking.networks.base import Size
    from vbench.ranking.networks.catalog import NETWORKS
    from vbench.ranking.networks.segments import with_segments

    data, exposed = material.dataset, material.exposed
    sample = training.sample_pairs(past, exposed, data.n, material.seed)
    encoder = Encoder.of(data, past, exposed, sample, options.segments)
    assert options.width is not None
    assert options.depth is not None
    network = NETWORKS[name](encoder.shape, Size(options.width, options.depth))
    if options.segments:
        network = with_segments(network, encoder.shape)
    learner = training.Learner(network, encoder, exposed, data.n, material.seed)
    digest = _digest(material, material.seed, exposed.shape, msgspec.json.encode(options))
    kept = folder / f"{name}-{digest}.npz"
    with hold_lock(kept, f"training {name}"):
        if kept.is_file():
            return learner, _read(kept, network.draw(material.seed))
        aims = _aims(name, options, learner, material, folder)
        weights = training.fit(learner, aims, unfinished=kept.with_suffix(".part"))
        _write(kept, weights)
    return learner, weights


def _aims(
    name: str, options: Options, learner: Learner, material: Material, folder: Path
) -> list[Aim]:
    """What is learned beside the labels; a teacher is trained first, as any other network."""
    from vbench.ranking.distillation import Teacher
    from vbench.ranking.percentiles import Percentiles

    aims: list[Aim] = []
    if options.teacher is not None and options.width is not None:
        wide = Options(width=options.width * options.teacher, depth=options.depth)
        aims.append(Teacher(*_trained(name, wide, material, learner.past, folder)))
    if options.pearl is not None:
        aims.append(Percentiles(learner, options.pearl))
    return aims


def _facts(learner: Learner, weights: Any) -> dict[str, float]:
    """How large the network is, and what it says of its own use on pairs that it learned from."""
    import jax

    found = {"parameters": float(sum(leaf.size for leaf in jax.tree.leaves(weights)))}
    if learner.network.describe is not None:
        drawn = learner.draw(0)
        inputs = learner.encoder.inputs(
            drawn.queries, drawn.items, reads_past=learner.network.reads_past
        )
        told = learner.network.describe(weights, inputs)
        found |= {key: float(value) for key, value in told.items()}
    return found


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

    folder = _paths.home() / "rankers"
    folder.mkdir(parents=True, exist_ok=True)
    past = _past(material, folder)
    return GloRank(material, ranker, past.next_query, past.next_item)


def _past(material: Material, folder: Path) -> Past:
    kept = folder / f"past-{_digest(material)}.npz"
    if kept.is_file():
        return Past.load(kept)
    past = Past.of(material.dataset, material.interactions())
    past.save(kept)
    return past


def _digest(material: Material, *more: Any) -> str:
    """A name for what depends on these vectors, judgments and interactions alone."""
    data = material.dataset
    digest = hashlib.sha256(f"{VERSION} {data.fingerprint} {material.source} {more}".encode())
    if data.relevance is not None:
        for name in ("query", "item"):
            digest.update(np.ascontiguousarray(data.relevance[name].to_numpy()).data)
    return digest.hexdigest()[:20]


def _write(path: Path, weights: Any) -> None:
    import jax

    leaves = jax.tree.leaves(weights)
    with whole_file(path) as file:
        np.savez(file, *(np.asarray(leaf) for leaf in leaves))


def _read(path: Path, like: Any) -> Any:
    import jax

    with np.load(path, allow_pickle=False) as kept:
        leaves = [kept[name] for name in kept.files]
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


def source_of(dataset: Dataset, given: Path | None = None) -> Source:
    """Say what the towers of `dataset` were trained on, and how that was divided.

    Parameters
    ----------
    given
        A file of interactions to read instead.

    Raises
    ------
    DataError, VbenchError
        There is no such file, or what the dataset's folder keeps of its training is damaged.
    """
    from vbench.towers.recipe import Source, find_recipe, kept_source

    place = Path(dataset.source.get("name_or_path", dataset.name))
    # Variants, `NAME:VARIANT`, have the same interactions.
    folder = place.with_name(place.name.partition(":")[0])
    name = dataset.name.partition(":")[0]
    source = kept_source(folder)
    if source is None:
        own = folder / "recipe.toml"
        source = Source(name=name, recipe=find_recipe(name, own if own.is_file() else None))
    if given is None:
        return source
    if not given.is_file():
        raise DataError(f"{given}: no such file of interactions")
    return msgspec.structs.replace(source, interactions=str(given.resolve()))


def identity(source: Source) -> str:
    """Tell a source from every other, and its files from what they were before."""
    parts = [msgspec.json.encode(source).decode()]
    for path in (source.interactions, source.users, source.items):
        if path and Path(path).is_file():
            facts = Path(path).stat()
            parts.append(f"{facts.st_size} {facts.st_mtime_ns}")
    return " ".join(parts)
