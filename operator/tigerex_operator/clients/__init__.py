"""The operator as a client of its tenants' services."""
