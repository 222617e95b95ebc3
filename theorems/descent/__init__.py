"""The descent that Theorem 1 prescribes: its step sizes, its trajectory, its closed form and its certificate."""
