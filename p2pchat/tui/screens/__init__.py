"""The screens: the conversation, the lists over it, questions, the help, and what is shown when joining fails."""
