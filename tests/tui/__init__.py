"""The Textual front end, played by keyboard against a node that a test plays by hand."""
