"""Weights: one `.safetensors` file whose metadata rebuilds the network. No pickle is ever read."""
