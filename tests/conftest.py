"""Settings of every test."""

import os

# Test networks are so small that threads only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
