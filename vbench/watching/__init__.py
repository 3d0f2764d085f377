"""Holds a promise against an index that is in use: few of its searches are made again, exactly."""
