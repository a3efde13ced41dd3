"""Where cells run. A back end is a function from tasks to rows, in the order in which they end."""
