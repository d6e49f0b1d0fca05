"""`p2pchat send` and `p2pchat receive`: one exchange of files with one other person."""
