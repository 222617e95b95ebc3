"""The audit: every claim of a paper, each in a process of its own, and one document that says what became of them."""
