"""Text of third-party code, in bounds."""

from __future__ import annotations

import pytest

from vbench._process.text import MOST_LOG, reason_of, shorten, shorten_log, trace_of


class UnshowableError(BaseException):
    """Fails at showing itself."""

    def __str__(self) -> str:
        raise KeyboardInterrupt


class NotTextError(Exception):
    """Shows itself as a number."""

    def __str__(self) -> str:
        return 3  # type: ignore[return-value]


@pytest.mark.parametrize("length", [0, 499, 500, 501, 1_000_000])
def test_a_long_text_keeps_its_beginning_and_its_end(length: int) -> None:
    """And says how long it was."""
    text = "a" * (length // 2) + "b" * (length - length // 2)
    short = shorten(text)
    assert len(short) <= 500
    assert (short == text) == (length <= 500)
    assert f"{length:,}" in short or length <= 500
    assert short[-1:] == text[-1:]


def test_a_log_is_bounded_in_bytes() -> None:
    """Its end is kept, and no character is cut in two."""
    kept = shorten_log("é" * 10_000 + "\ud800end")
    assert len(kept.encode()) <= MOST_LOG
    assert kept.endswith("é?end")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("odd"), "ValueError: odd"),
        (SystemExit(), "SystemExit"),
        (UnshowableError(), "UnshowableError, which cannot be shown"),
        (NotTextError(), "NotTextError, which cannot be shown"),
        (ValueError("\ud800"), "ValueError: \\ud800"),
    ],
)
def test_every_error_has_a_reason_and_a_trace(error: BaseException, reason: str) -> None:
    """Those too that cannot be shown, or not in UTF-8."""
    assert reason_of(error) == reason
    assert type(error).__name__ in trace_of(error)
    trace_of(error).encode()


def test_a_reason_of_megabytes_is_cut() -> None:
    """In the trace too, of which both ends are kept."""
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError("x" * 3_000_000)
    trace = trace_of(caught.value)
    assert len(reason_of(caught.value)) <= 500
    assert len(trace) <= MOST_LOG
    assert "test_text.py" in trace
