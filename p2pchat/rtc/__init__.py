"""One link to one peer over WebRTC. The only package that imports aiortc."""
