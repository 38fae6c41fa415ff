"""Profiling: what a network costs, counted on its own forward pass."""
