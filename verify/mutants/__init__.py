"""The mutant exam: wrong versions of the stated results, made by machine, and what a claim's own checks say of them.

Reading order: `variations` (what is changed in a stated result), `exam` (one mutant, in a process of its own),
`sitting` (all of them, two at a time, resumable), `report` (the file, the table, and the list of what stays open).
"""
