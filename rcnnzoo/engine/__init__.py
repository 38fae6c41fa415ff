"""Running a network on images, step by step."""
