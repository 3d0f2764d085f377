"""Messages between parent and worker."""

from __future__ import annotations

from multiprocessing import Pipe

import numpy as np
import pytest

from vbench.bench import wire


def test_a_message_and_its_arrays_arrive_unchanged() -> None:
    """Types, shapes and values survive, also of empty arrays."""
    ours, theirs = Pipe()
    message = wire.Search(setting={"ef": 16, "quick": True, "share": 0.5}, k=3, repeats=2, warmup=0)
    arrays = [np.arange(6, dtype=np.int32).reshape(2, 3), np.empty((0, 4)), np.float32([[1.5]])]
    wire.send(ours, message, *arrays)
    got, others = wire.receive(theirs)
    assert got == message
    for sent, received in zip(arrays, others, strict=True):
        assert sent.dtype == received.dtype
        assert np.array_equal(sent, received)


def test_the_end_of_the_other_side_is_an_error() -> None:
    """A side that is gone raises EOFError, so that nobody waits forever."""
    ours, theirs = Pipe()
    ours.close()
    with pytest.raises(EOFError):
        wire.receive(theirs)
