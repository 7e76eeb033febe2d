"""Copies of the record elsewhere; one file per kind."""
