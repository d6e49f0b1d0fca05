"""What is kept on disk: files being received."""
