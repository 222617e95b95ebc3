"""The network of the paper as letters, exact rationals, float64 numbers with error bounds, and ball enclosures."""
