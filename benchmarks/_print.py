"""One line for each figure: what, measured, allowed, and whether it is met."""

from __future__ import annotations


def figure(what: str, measured: float, allowed: float, unit: str) -> None:
    """Print a figure beside its bar."""
    verdict = "ok" if measured <= allowed else "MISSED"
    print(f"{what:<72} {measured:9.3f} {unit:<7} (at most {allowed:g})  {verdict}", flush=True)
