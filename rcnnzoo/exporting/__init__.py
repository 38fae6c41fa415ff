"""What leaves the zoo for other tools, as files that they read."""
