"""Reports: tables and figures from the rows of a store. Imports neither torch nor Ray."""
