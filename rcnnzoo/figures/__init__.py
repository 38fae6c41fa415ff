"""Figures: one function each, from tables."""
