"""Tables of the authority's database, one file per part; `METADATA` joins them for migrations."""
