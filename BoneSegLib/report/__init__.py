"""The page about one segmentation: pictures, numbers, what was used. One HTML file that needs nothing else.

`pictures` draws slices and surfaces, `page` puts them together.
"""
