"""Starts jax so that the same seed gives the same vectors, however many cores there are."""

from __future__ import annotations

import os

from vbench.errors import MissingExtraError

# Sums are split over threads, and another split rounds differently: so always the same number.
THREADS = "2"


def start_jax() -> None:
    """Import jax and start its CPU backend with two threads.

    Where the caller has used jax already, its threads stay as they are, and vectors may differ in
    the last bits from those of a fresh process.

    Raises
    ------
    MissingExtraError
        jax or optax is not installed.
    """
    before = os.environ.get("NPROC")
    os.environ["NPROC"] = THREADS
    try:
        import jax
        import optax  # noqa: F401  # only to say early that it is missing

        jax.devices("cpu")
    except ModuleNotFoundError as error:
        if error.name not in {"jax", "jaxlib", "optax"}:
            raise
        raise MissingExtraError("training two towers", "towers") from None
    finally:
        if before is None:
            del os.environ["NPROC"]
        else:
            os.environ["NPROC"] = before
