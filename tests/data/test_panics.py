"""Panics of a library at a damaged file leave standard error alone."""

from __future__ import annotations

import os

import pytest

from vbench.data.panics import unprinted_panics


def panicking() -> None:
    with unprinted_panics():
        os.write(2, b"thread panicked")
        raise ValueError("damaged")


def test_what_is_printed_before_an_error_is_dropped(capfd: pytest.CaptureFixture[str]) -> None:
    """And what is printed where nothing is wrong comes out."""
    with pytest.raises(ValueError, match="damaged"):
        panicking()
    with unprinted_panics(), unprinted_panics():
        os.write(2, b"as usual")
    assert capfd.readouterr().err == "as usual"
