"""The package that a plugin's author begins with; `files/` is what it is written from."""
