"""The laboratory: instances, the transformer, its losses and its training. Knows no theory."""


class InputError(ValueError):
    """Something the user gave cannot be used; the message names it, shows it and says the remedy."""
