"""What every line of migrations does when Alembic calls it: one connection, one transaction a revision."""

from alembic import context
from sqlalchemy import MetaData, create_engine, pool


def upgrade(metadata: MetaData) -> None:
    """Apply what is missing to the configured file."""
    address = context.config.get_main_option("sqlalchemy.url")
    assert address is not None
    engine = create_engine(address, poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection, target_metadata=metadata, render_as_batch=True, transaction_per_migration=True
        )
        with context.begin_transaction():
            context.run_migrations()
