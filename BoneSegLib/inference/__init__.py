"""From a volume to labels: prepare, network, restore.

`frame` turns the image to the axes the network knows, `resample` and `normalize` bring it to the network's grid,
`sliding_window` runs the network, `restore` decides the labels on the image's own grid, `device` and `memory` choose
how, `stage` runs one network of a cascade and `engine` ties them together. All arrays are kji; nothing here knows MRML
or files.
"""
