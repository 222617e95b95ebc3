"""Stand-alone checkers: the standard library is all they need."""
