"""The rankers that learn, `cross` and `mixer` (extra `towers`), and what they learn from."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench import _paths
from vbench.data.dataset import Dataset
from vbench.data.files import whole_file
from vbench.errors import DataError
from vbench.ranking.features import Features, Past
from vbench.ranking.protocol import Material, Ranker, Rows

if TYPE_CHECKING:
    from vbench.towers.recipe import Source

VERSION = 1
"""Part of the name of what is kept; a change of features or training makes another."""


class Trained(Ranker):
    """A network over the features of pairs; what it learned is kept in vbench's home folder."""

    network: ClassVar[str]

    def fit(self, material: Material) -> None:
        """Learn from the interactions, or read what an earlier call learned from the same.

        Raises
        ------
        VbenchError
            jax or optax is not installed, the interactions cannot be had, or do not fit.
        """
        from vbench.towers.pipeline import start_jax

        start_jax()
        from vbench.ranking import networks

        data, exposed = material.dataset, material.exposed
        folder = _paths.home() / "rankers"
        folder.mkdir(parents=True, exist_ok=True)
        past = _past(material, folder)
        features = Features(data, past, exposed)
        network = getattr(networks, self.network)(list(features.groups.values()), data.d)
        self._learner = networks.learner(network, features, past, exposed, data.n, material.seed)
        kept = folder / f"{self.network}-{_digest(material, material.seed, exposed.shape)}.npz"
        if kept.is_file():
            self._weights = _read(kept, network.draw(material.seed))
        else:
            self._weights = networks.fit(self._learner, past, exposed, data.n, material.seed)
            _write(kept, self._weights)

    def score(self, queries: Rows, candidates: Rows) -> NDArray[np.floating]:
        rows = np.broadcast_to(queries[:, np.newaxis], candidates.shape)
        made = self._learner.score(self._weights, rows.ravel(), candidates.ravel())
        return made.reshape(candidates.shape)


class Cross(Trained):
    """Feature crossing in the manner of DCN-v2."""

    network = "cross"


class Mixer(Trained):
    """Token fusion and token boost in the manner of UniMixer and Zenith."""

    network = "mixer"


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
