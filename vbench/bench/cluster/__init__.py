"""A run on many machines: builds and exact search as tasks of a Dask cluster."""
