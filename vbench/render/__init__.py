"""What was computed, drawn: on the terminal, as Markdown, as a page, as figures."""
