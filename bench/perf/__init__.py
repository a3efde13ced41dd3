"""asv benchmarks. Lower is better everywhere; the meters are those of bench.measure."""
