"""What went wrong in other programs that transfer files, and must not go wrong here.

Each test is named after the program and the year or number of the incident; its docstring says what happened there.
"""
