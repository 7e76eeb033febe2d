"""The record: entries, ingest, tree, sequencer, signer, checkpoint, proof. Knows nothing of OAuth.

For readers and for the set-up; processes take `client`, `relay`, `process` and `signer`, commands `verify`, `prove`
and `export` from their modules, so that nobody loads what only another process needs.
"""

from grantline.ledger.reading import Access, DayUse, EventRow, FieldUse, LedgerReader, Usage
from grantline.ledger.settings import Places, Settings

__all__ = ["Access", "DayUse", "EventRow", "FieldUse", "LedgerReader", "Places", "Settings", "Usage"]
