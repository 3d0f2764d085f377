"""What rankers learned, kept in vbench's home folder, and what they learn from."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from vbench import _paths
from vbench._locks import hold_lock
from vbench.data.files import whole_file
from vbench.ranking.features import Past
from vbench.ranking.options import Options
from vbench.ranking.protocol import Material

if TYPE_CHECKING:
    from vbench.ranking.training import Aim, Learner

VERSION = 2
"""Part of the name of what is kept; a change of features or training makes another."""


def home_of_rankers() -> Path:
    """The folder that keeps what rankers learned."""
    folder = _paths.home() / "rankers"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def fit_network(
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
    digest = name_material(material, material.seed, exposed.shape, msgspec.json.encode(options))
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
        aims.append(Teacher(*fit_network(name, wide, material, learner.past, folder)))
    if options.pearl is not None:
        aims.append(Percentiles(learner, options.pearl))
    return aims


def describe(learner: Learner, weights: Any) -> dict[str, float]:
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


def past_of(material: Material, folder: Path) -> Past:
    """What users had and took next: read from the interactions once, then kept in `folder`."""
    kept = folder / f"past-{name_material(material)}.npz"
    if kept.is_file():
        return Past.load(kept)
    past = Past.of(material.dataset, material.interactions())
    past.save(kept)
    return past


def name_material(material: Material, *more: Any) -> str:
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
