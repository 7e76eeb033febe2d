"""Entries as other systems read events. Made of leaves alone: what is sent out names nobody, and needs no erasure."""
