"""Seven siblings that never import one another."""
