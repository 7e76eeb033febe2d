"""Counts for those who have to show them: made of leaves alone, under a checkpoint that each report quotes."""
