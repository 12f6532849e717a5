"""Languages of the pages: messages and formats."""
