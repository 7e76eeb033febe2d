"""The state in PostgreSQL, for several authority processes over one database: asyncpg, one grouping writer each."""
