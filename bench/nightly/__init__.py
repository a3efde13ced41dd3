"""The gate of every night: did the last changes make it slower, hungrier or wrong?

`history` is what a night leaves, `verdict` how it is judged by the nights before it, `asv_passes` and `grid` where
its figures come from. `python -m bench.nightly` is the gate, `.compare` the same for a pull request, `.backfill`
measures commits of the past.
"""
