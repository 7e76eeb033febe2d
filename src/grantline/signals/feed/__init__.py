"""The authority's end of the revocation feed: sessions, beats, entries, closures."""
