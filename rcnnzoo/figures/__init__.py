"""Figures: one function each, from tables; and writing them."""
