"""What a ranker that learns can be told."""

from __future__ import annotations

from typing import Annotated

import msgspec


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
