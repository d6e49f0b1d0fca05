"""File transfer: the manifest, safe paths, blocks and the two machines that move them."""
