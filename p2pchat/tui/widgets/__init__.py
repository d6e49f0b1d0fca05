"""The pieces of the screens. Each draws what it is shown; none knows the node."""
