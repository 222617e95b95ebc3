"""The toolkit: claims, evidence, verdicts, records and reports, for any paper."""


class UsageError(ValueError):
    """What the user asked for cannot be done; the message names the argument, its value and the remedy."""
