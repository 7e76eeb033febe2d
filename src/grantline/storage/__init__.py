"""Implements what each part asks to keep; one file per store."""
