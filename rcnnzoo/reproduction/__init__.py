"""The whole paper in one command: a recipe as a list of commands, and what of them is already done."""
