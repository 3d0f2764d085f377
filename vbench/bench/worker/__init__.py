"""The isolated process that holds one build: what it loads, builds, asks and times."""
