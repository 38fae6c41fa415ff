"""Settings of every test."""

import os

import hypothesis

# Test networks are so small that threads only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Nothing is timed, and what failed once fails again.
hypothesis.settings.register_profile("rcnnzoo", deadline=None, derandomize=True)
hypothesis.settings.load_profile("rcnnzoo")
