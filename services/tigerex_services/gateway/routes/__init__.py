"""REST routes: translate in, one call, translate out."""
