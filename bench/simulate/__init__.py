"""A grid played against a model of a cluster: the suite's own plan and driver, with workers and a clock made up."""
