"""Brings a data file to the form this release knows. Runs before any part opens the file, under a lock."""

from grantline.storage.migrations.run import migrate

__all__ = ["migrate"]
