"""Batches of ordinary orders between protobuf's bytes and the core's rows, compiled.

Parsing and building messages cost more than everything else together: some 50 µs an order in
Python, below 1 µs here. So the common case is read from the bytes and written to them directly;
whatever is not common (anything that could be refused included) is left to the ordinary way, which
alone decides about errors. Tests hold both to the same rows and the same bytes.
"""
