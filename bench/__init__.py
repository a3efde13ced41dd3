"""The machine: grids, cells, running, measuring and keeping results. Importing it costs neither torch nor Ray."""
