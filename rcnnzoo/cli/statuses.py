"""Exit statuses of the program."""

OURS, INPUT = 1, 2
INTERRUPTED, PIPE_CLOSED = 130, 141
"""What a shell reports for a program that SIGINT or SIGPIPE ended."""
PREEMPTED = 75
"""A cluster's signal ended it, and it may be started again: `EX_TEMPFAIL` of sysexits.h."""
