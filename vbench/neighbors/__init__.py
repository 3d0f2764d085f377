"""Exact search in memory: nearest neighbors, counts within a distance, what makes each metric one.

It knows vectors and metrics alone, nothing of files, so that whoever has vectors may ask it.
"""
