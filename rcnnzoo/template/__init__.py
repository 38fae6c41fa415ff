"""The package that a plugin's author starts from; `files/` holds its templates."""
