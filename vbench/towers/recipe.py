"""What a training can be told: one struct, read from TOML, with the defaults that made `books`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from vbench.towers.features import Kind

Positive = Annotated[int, msgspec.Meta(ge=1)]
Whole = Annotated[int, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, lt=1)]
Rate = Annotated[float, msgspec.Meta(gt=0)]


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How interactions become vectors.

    Attributes
    ----------
    source
        Where the raw interactions of a catalogued dataset come from, as in a card's `urls`.
    sha256
        Checksum of that file.
    metric
        `ip`: item norms are free; `cosine`: both towers end on the unit sphere.
    features
        Kind of a feature column where the guess from its values is not wanted.
    min_user, min_item
        Users and items with fewer interactions are left out.
    catalogue
        At most so many items are kept: those with the most training interactions.
    held_items
        So many of them, drawn at random, become queries instead of base vectors.
    users
        At most so many user queries of each activity class.
    heavy, light
        A user with at least `heavy` training interactions is heavy, with at most `light` light.
    cold
        A user with at most so many training interactions is cold.
    held_out, held_at_most
        Share of each user's interactions kept for the relevance judgements, and its limit.
    validation
        Share of the other interactions kept for early stopping.
    """

    source: list[str] = []
    sha256: str | None = None

    metric: Literal["ip", "cosine"] = "ip"
    features: dict[str, Kind] = {}
    min_user: Positive = 3
    min_item: Positive = 1
    catalogue: Positive = 51_000
    held_items: Whole = 1_000
    users: Positive = 2_000
    heavy: Positive = 50
    light: Positive = 9
    cold: Positive = 3
    held_out: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.1
    held_at_most: Positive = 20
    validation: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.02

    dim: Positive = 64
    id_dim: Positive = 64
    field_dim: Positive = 32
    hidden: Positive = 128
    history: Positive = 20
    user_dropout: Share = 0.5
    temperature: Rate = 0.07

    batch: Positive = 1_024
    negatives: Whole = 512
    epochs: Positive = 3
    patience: Positive = 1
    table_rate: Rate = 0.03
    dense_rate: Rate = 1e-3

    cycle: bool = False
    sync: bool = False
    cascade: bool = False
    decay: Share = 0.8
    cascade_dim: Positive = 32
