"""What every line of migrations does when Alembic calls it: one connection, one transaction a revision."""

from alembic import context
from sqlalchemy import MetaData, create_engine, pool


def upgrade(metadata: MetaData) -> None:
    """Apply what is missing to the configured file; or write it down, for a database that has its own driver."""
    if context.is_offline_mode():
        _write(metadata)
        return
    address = context.config.get_main_option("sqlalchemy.url")
    assert address is not None
    engine = create_engine(address, poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection, target_metadata=metadata, render_as_batch=True, transaction_per_migration=True
        )
        with context.begin_transaction():
            context.run_migrations()


def _write(metadata: MetaData) -> None:
    """As SQL text. No BEGIN or COMMIT in it: whoever runs it holds one transaction and the lock."""
    from grantline.storage.postgres.dialect import NAME

    context.configure(dialect_name=NAME, target_metadata=metadata, transactional_ddl=False)
    with context.begin_transaction():
        context.run_migrations()
