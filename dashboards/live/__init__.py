"""The live page: the plant in a browser, drawn from the line files."""
