"""DICOM Segmentation objects: labels with names, codes and colours that belong to the images of a DICOM series.

`write` makes them (with highdicom, an optional extra), `read` takes those of any program (with pydicom alone, which
Slicer ships), `source` reads the headers of the images that a segmentation refers to, `segments` tells which bone a
segment is.
"""
