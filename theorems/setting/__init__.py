"""What the paper fixes: notation, parameters, the instance, the limit, the assumptions, and planted defects."""
