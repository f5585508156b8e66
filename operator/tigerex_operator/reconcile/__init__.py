"""One look at a resource: what is, what shall be, what is left to do. Handlers call these and
nothing else.
"""
