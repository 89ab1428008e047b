"""Page, Markdown and LaTeX from the content of a report."""
