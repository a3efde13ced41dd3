"""Judges of what was learned: each a function to columns of the row."""
