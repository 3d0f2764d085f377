"""The setting that meets a target at the least cost, certified on queries it was not tuned on."""

from vbench.tuning.tuner import Claim, Tuning, tune

__all__ = ["Claim", "Tuning", "tune"]
