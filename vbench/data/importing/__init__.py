"""Exports of a warehouse as a dataset with a name: tables brought here, joined by their keys."""
