"""One index at one setting, over its builds; how its parameters are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vbench.runs.schema import Trial


@dataclass(frozen=True)
class Setting:
    """One index at one set of build and search parameters and one K, over its builds."""

    index: str
    build: dict[str, Any]
    setting: dict[str, Any]
    k: int
    trials: tuple[Trial, ...]

    def __str__(self) -> str:
        return " ".join([self.index, *(f"{key}={value}" for key, value in self.setting.items())])


def spelt(parameters: dict[str, Any]) -> str:
    """Parameters as people read them: ``M=16 ef=64``."""
    return " ".join(f"{name}={value}" for name, value in parameters.items())
