"""Judges of what was learned: each a function of (model, system, protocol) to columns of the row."""
