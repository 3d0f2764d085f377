"""The run folder: its schema, reader and writer, and what is summed up from it."""
