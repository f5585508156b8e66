"""Desired state as pure functions: a spec in, plain manifests out. No clock, no cluster, no
randomness but for secrets.
"""
