"""One file per proxy or protocol that asks this gateway."""
