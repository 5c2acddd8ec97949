"""Surfaces of the bones as files for printing, modelling and viewing.

`surface` makes them from labels, `solid` tells whether they enclose a volume and how much, `stl`, `obj` and `glb` write
them, `write` puts those of a label map into a folder.
"""

FORMATS = ("stl", "obj", "glb")
