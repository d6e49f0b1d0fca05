"""The screens: the conversation, the list of transfers, the help, and what is shown when joining fails."""
