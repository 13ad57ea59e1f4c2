"""The names that fields with a secret commonly have."""

SECRET_NAME = (
    r"(?:api|access|account|consumer|private)[_-]?key|(?:(?:access|refresh|id)[_-]?)?token|"
    r"(?:(?:api|client|consumer)[_-]?)?secret|pass(?:word|wd|phrase)|pwd|authorization"
)
"""A regular expression, in lower case and without groups."""
