"""Analysis: pure functions of a trace; none of them runs a network."""
