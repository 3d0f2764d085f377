"""pgvector in a PostgreSQL server of the wheel: every check, filters, the plan, what is left."""
