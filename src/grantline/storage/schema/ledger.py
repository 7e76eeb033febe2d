"""Tables of the ledger's three files, apart from the authority's database: the tree, keys, projections."""

from sqlalchemy import BLOB, Column, Index, Integer, MetaData, Text

from grantline.storage.schema.base import table

TREE = MetaData()
KEYS = MetaData()
PROJECTIONS = MetaData()

ENTRIES = table(
    "entries",
    Column("idx", Integer, primary_key=True),
    Column("event_id", Text, nullable=False, unique=True),
    Column("tc", Integer, nullable=False),
    Column("body", BLOB, nullable=False),
    metadata=TREE,
)

DETAILS = table(
    "details",
    Column("idx", Integer, nullable=False, index=True),
    Column("key_id", Text, nullable=False),
    Column("nonce", BLOB, nullable=False),
    Column("sealed", BLOB, nullable=False),
    metadata=TREE,
)

FRONTIER = table(
    "frontier",
    Column("id", Integer, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("hashes", BLOB, nullable=False),
    Column("tc", Integer, nullable=False),
    metadata=TREE,
)

CURSORS = table(
    "cursors",
    Column("producer", Text, primary_key=True),
    Column("boot", Text, primary_key=True),
    Column("last_seq", Integer, nullable=False),
    metadata=TREE,
)

TRUSTED = table(
    "trusted",
    Column("producer", Text, primary_key=True),
    Column("jwk", BLOB, nullable=False),
    metadata=TREE,
)

PURGE_PROGRESS = table(
    "purge_progress",
    Column("kind", Text, primary_key=True),
    Column("idx", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    metadata=TREE,
)

PURGES = table(
    "purges",
    Column("event", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("month", Text, nullable=False),
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    metadata=TREE,
)

TREE_CLEARED = table("cleared", Column("key_id", Text, primary_key=True), metadata=TREE)
PROJECTIONS_CLEARED = table("cleared", Column("key_id", Text, primary_key=True), metadata=PROJECTIONS)

PERSON_KEYS = table(
    "person_keys",
    Column("key_id", Text, primary_key=True),
    Column("wrapped", BLOB, nullable=False),
    metadata=KEYS,
)

NAMES = table(
    "names",
    Column("name", Text, primary_key=True),
    Column("key_id", Text, primary_key=True),
    metadata=KEYS,
)

APPLIED = table(
    "applied",
    Column("id", Integer, primary_key=True),
    Column("size", Integer, nullable=False),
    metadata=PROJECTIONS,
)

ACCESSES = table(
    "accesses",
    Column("idx", Integer, primary_key=True),
    Column("key_id", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("t", Integer, nullable=False),
    Column("client", Text, nullable=False),
    Column("gateway", Text, nullable=False),
    Column("api", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("datatype", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("reason", Text),
    Column("purpose", Text),
    Column("fields", Text, nullable=False),
    Column("evaluation", Text, nullable=False, index=True),
    Column("status", Integer),
    Column("trace", Text),
    Column("jtih", Text),
    Column("odd", Integer, nullable=False),
    metadata=PROJECTIONS,
)
Index("accesses_by_consent", ACCESSES.c.ref, ACCESSES.c.idx)
Index("accesses_by_key", ACCESSES.c.key_id, ACCESSES.c.idx)
Index("accesses_by_client", ACCESSES.c.client, ACCESSES.c.t)
Index("accesses_by_time", ACCESSES.c.t, ACCESSES.c.client, ACCESSES.c.key_id)
Index("accesses_by_trace", ACCESSES.c.trace, sqlite_where=ACCESSES.c.trace.is_not(None))
Index("accesses_by_token", ACCESSES.c.jtih, sqlite_where=ACCESSES.c.jtih.is_not(None))
Index("accesses_odd", ACCESSES.c.idx, sqlite_where=ACCESSES.c.odd > 0)

LIVES = table(
    "lives",
    Column("idx", Integer, primary_key=True),
    Column("key_id", Text, nullable=False),
    Column("ref", Text),
    Column("event_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("t", Integer, nullable=False),
    Column("reason", Text),
    Column("version", Integer),
    Column("client", Text),
    Column("purposes", Text, nullable=False),
    Column("trace", Text),
    Column("jtih", Text),
    metadata=PROJECTIONS,
)
Index("lives_by_consent", LIVES.c.ref, LIVES.c.idx)
Index("lives_by_key", LIVES.c.key_id, LIVES.c.idx)
Index("lives_by_client", LIVES.c.client, LIVES.c.t, sqlite_where=LIVES.c.client.is_not(None))
Index("lives_by_trace", LIVES.c.trace, sqlite_where=LIVES.c.trace.is_not(None))
Index("lives_by_token", LIVES.c.jtih, sqlite_where=LIVES.c.jtih.is_not(None))
Index("lives_by_type", LIVES.c.type, LIVES.c.idx)
