"""Views of a record: the terminal and the PDF. They show nothing that is not in the record."""
