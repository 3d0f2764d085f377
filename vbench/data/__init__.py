"""What goes in: datasets, file formats, the catalog, fetching and ground truth."""
