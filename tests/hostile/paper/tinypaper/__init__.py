"""A paper of three small claims, for runs that are ill-treated.

Nobody, On Nothing, of no importance.
"""
