"""How a conversation is laid out: which entries there are, and what each looks like."""
