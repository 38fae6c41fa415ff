"""Analysis: pure functions of traces and tables; none of them runs a network or reads a file."""
