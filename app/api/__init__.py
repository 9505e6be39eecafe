"""HTTP that belongs to no single domain."""
