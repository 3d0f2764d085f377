"""Intervals, tests and bootstrap, on plain arrays."""
