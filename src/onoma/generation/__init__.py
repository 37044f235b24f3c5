"""How a text model is made to answer so that it cannot leave the text it was asked about.

Knows the automata of encodings, and asks a model for scores; never imports one.
"""
