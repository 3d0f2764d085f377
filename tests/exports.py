"""Tables as a warehouse exports them: items and users with vectors, activity, clicks."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from vectors import Vectors, gaussian_pair

N, M, D = 120, 30, 6


class Exports(NamedTuple):
    """Tables in memory, and the vectors and ids that are in them."""

    items: pl.DataFrame
    users: pl.DataFrame
    clicks: pl.DataFrame
    vectors: tuple[Vectors, Vectors]


def draw_exports(seed: int = 0) -> Exports:
    """Items named by text, users by large numbers in no order, clicks over ten days."""
    rng = np.random.default_rng(seed)
    base, queries = gaussian_pair(N, M, D, seed)
    skus = [f"{number:04d}" for number in rng.permutation(N)]
    users = rng.choice(10**6, M, replace=False)
    lists = pl.List(pl.Float32)
    clicks = pl.DataFrame(
        {
            "user_id": rng.choice(users, 400),
            "item_id": rng.choice(skus, 400),
            "ts": np.sort(1_760_000_000 + rng.integers(0, 864_000, 400)),
        }
    )
    return Exports(
        pl.DataFrame(
            {"item_id": skus, "emb": base.tolist(), "price": rng.random(N)},
            schema_overrides={"emb": lists},
        ),
        pl.DataFrame({"user_id": users, "emb": queries.tolist()}, schema_overrides={"emb": lists}),
        clicks,
        (base, queries),
    )


def save_exports(folder: Path, seed: int = 0) -> Exports:
    """The same as `items.parquet`, `users.parquet` and `clicks.parquet`."""
    made = draw_exports(seed)
    for name in ("items", "users", "clicks"):
        getattr(made, name).write_parquet(folder / f"{name}.parquet")
    return made
