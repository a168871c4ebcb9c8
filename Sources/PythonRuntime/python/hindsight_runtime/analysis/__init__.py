"""Reading Python source: outlines, the match of an edited source with a recorded one, splicing.

Nothing here runs the user's code; everything works on text and syntax trees.
"""
