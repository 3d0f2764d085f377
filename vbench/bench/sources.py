"""What an index of a call is made of; whatever could change an answer is in its builds' keys."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vbench._document import Params
from vbench._invocation import spell_option
from vbench.data.dataset import Learn
from vbench.errors import VbenchError
from vbench.indexes.code import code_of
from vbench.indexes.library import check_installed, tell_license
from vbench.indexes.parameters import is_taken
from vbench.indexes.recipe import Recipe
from vbench.indexes.registry import resolve
from vbench.indexes.space import check_dimension, plan_space
from vbench.metric import Metric
from vbench.runs.digests import of_document
from vbench.runs.schema import Build, Options

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Source:
    """One index: its recipe, the space it is built in, its code and its libraries."""

    name: str
    adapter: str
    transform: str
    space: str
    seeded: bool
    tune_parameter: str | None
    code: str
    files: tuple[Path, ...]
    requires: Mapping[str, str]
    learn: str | None = None
    """Digest of the queries that it learns from."""
    attributes: str | None = None
    """Digest of the item attributes that it takes."""
    service: str | None = None
    """The kind of server that it is built in."""

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        metric: Metric,
        d: int,
        learn: Learn | None = None,
        attributes: pl.DataFrame | None = None,
    ) -> Source:
        """The source behind a recipe, for vectors of `d` dimensions.

        Raises
        ------
        VbenchError
            Its library is not installed, or it cannot do the metric, or so many dimensions, or it
            needs queries to learn from, or item attributes.
        """
        kind = resolve(recipe.adapter)
        try:
            check_installed(kind)
            space = plan_space(recipe.transform, metric, kind.metrics)
            check_dimension(kind, space, d)
        except VbenchError as error:
            raise VbenchError(f"index {recipe.name!r}: {error}") from None
        if learn is None and is_taken(kind.fit, "learn", always=True):
            raise VbenchError(
                f"index {recipe.name!r} needs queries to learn from; give "
                f"{spell_option('learn', 'N')} to take N out of those that are asked, or a file of "
                "others"
            )
        if attributes is None and is_taken(kind.fit, "attributes", always=True):
            raise VbenchError(
                f"index {recipe.name!r} needs attributes of the items; give some with "
                f"{spell_option('items')}"
            )
        takes = attributes is not None and is_taken(kind.fit, "attributes")
        tell_license(kind)
        code = code_of(kind)
        return cls(
            name=recipe.name,
            adapter=recipe.adapter,
            transform=recipe.transform,
            space=space.name,
            seeded=kind.seeded,
            tune_parameter=recipe.tune_parameter.name if recipe.tune_parameter else None,
            code=code.digest,
            files=code.files,
            requires=code.versions,
            learn=learn.digest if learn is not None and is_taken(kind.fit, "learn") else None,
            attributes=_digest(attributes) if takes and attributes is not None else None,
            service=None if kind.service is None else kind.service.name,
        )

    def build(
        self,
        params: Params,
        number: int,
        options: Options,
        fingerprint: str,
        order_digest: str,
    ) -> Build:
        """The build of this number: its seeds, and its key."""
        seed = _drawn(options.seed, number)
        # Of another stream, and of the data: an index that is given its seed does not know it.
        # Not of the metric: under each, the same seed is the same order.
        order_seed = _drawn(options.seed, number, 1, int(order_digest[:12], 16))
        parts = [
            *(fingerprint, self.adapter, self.name, self.transform, params, seed, order_seed),
            *(options.threads, options.build_threads, self.code, self.requires),
            *([] if self.learn is None else [{"learn": self.learn}]),
            *([] if self.attributes is None else [{"attributes": self.attributes}]),
        ]
        return Build(
            key=of_document(parts),
            index=self.name,
            adapter=self.adapter,
            transform=self.transform,
            space=self.space,
            params=dict(params),
            number=number,
            seed=seed,
            order_seed=order_seed,
            seeded=self.seeded,
            threads=options.threads,
            code=self.code,
            requires=dict(self.requires),
            learn=self.learn,
            tune_parameter=self.tune_parameter,
            service=self.service,
        )

    def changes(self, old: Build, new: Build, since: str) -> str:
        """In words, why a build of this index is another one than it was `since` then."""
        if old.code is None or old.requires is None:
            return "an older vbench did not record its code"
        said = []
        if old.code != new.code:
            files = _changed_since(self.files, since)
            said.append(f"{', '.join(files) or 'its code'} changed since {since}")
        said += [
            f"{name} is {now or 'gone'}, was {was or 'not used'}"
            for name in sorted({*old.requires, *self.requires})
            if (now := self.requires.get(name)) != (was := old.requires.get(name))
        ]
        for what in ("adapter", "transform", "seed", "order_seed", "threads"):
            if getattr(old, what) != getattr(new, what):
                said.append(f"{what} is {getattr(new, what)}, was {getattr(old, what)}")
        if old.learn != new.learn:
            now, was = (str(each.learn and each.learn[:8]) for each in (new, old))
            said.append(f"it learns from queries {now}, before from {was}")
        return "; ".join(said) or "it was measured in another way"


def _digest(attributes: pl.DataFrame) -> str:
    return hashlib.sha256(attributes.write_ndjson().encode()).hexdigest()


def _drawn(*entropy: int) -> int:
    return int(np.random.SeedSequence(entropy).generate_state(1)[0] >> 1)


def _changed_since(files: tuple[Path, ...], since: str) -> list[str]:
    """Names of the files that were written after a time; none where that does not tell."""
    try:
        then = datetime.datetime.fromisoformat(since).timestamp()
        return [path.name for path in files if path.stat().st_mtime > then]
    except (OSError, ValueError):
        return []


def folder_digest(fingerprint: str, sources: Mapping[str, Source], options: Options) -> str:
    """Digest of dataset, indexes and options, which names a run folder.

    Code, versions, settings, K and builds are left out: a run meets its earlier self, and grows.
    """
    names = ("repeats", "threads", "build_threads", "seed", "rule", "warmup", "warmup_from")
    kept = {name: getattr(options, name) for name in (*names, "at_recall")}
    indexes = sorted(
        (each.name, each.adapter, each.transform, *filter(None, [each.learn]))
        for each in sources.values()
    )
    return hashlib.sha256(of_document([fingerprint, indexes, kept]).encode()).hexdigest()[:16]
