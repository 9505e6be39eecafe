"""Values and rules that use nothing but the standard library."""
