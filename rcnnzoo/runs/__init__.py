"""A training run on disk: its folder, and the checkpoints that it resumes from."""
