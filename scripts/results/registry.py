"""What a result is, and where its commands leave their files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
STORED = ROOT / "docs" / "measured"
FOLDER = "build/measured"
Table = dict[str, dict[str, float | None]]


class Result(NamedTuple):
    """Shell commands, and what is taken from the files that they leave in FOLDER."""

    commands: tuple[str, ...]
    select: Callable[[], Table]


RESULTS: dict[str, Result] = {}


def result(*commands: str) -> Callable[[Callable[[], Table]], Callable[[], Table]]:
    """Make a result of a function that selects it; the function's name is the result's."""

    def register(select: Callable[[], Table]) -> Callable[[], Table]:
        RESULTS[select.__name__] = Result(commands, select)
        return select

    return register


def read(name: str) -> Any:
    """A JSON document that a command left."""
    return json.loads((ROOT / FOLDER / name).read_text())


def compared(row: dict[str, Any]) -> dict[str, float | None]:
    """What a comparison says of a measure."""
    return {
        "baseline": row["baseline_value"]["value"],
        "candidate": row["candidate_value"]["value"],
        **{key: row[key] for key in ("difference", "low", "high", "p_holm")},
        "minimum_detectable_difference": row["minimum_detectable_difference"],
    }


def interval(name: str, found: dict[str, Any] | None) -> dict[str, float | None]:
    """A value and its interval; nothing where there is none."""
    keys = {"value": name, "low": f"{name}, low", "high": f"{name}, high"}
    return {} if found is None else {label: found[key] for key, label in keys.items()}
