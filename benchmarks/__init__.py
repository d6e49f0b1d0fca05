"""Speed and memory, measured as ratios within one run: machines differ, and so do hours of one machine."""
