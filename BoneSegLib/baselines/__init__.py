"""Segmentation without a network: thresholds, region growing, grow from seeds. What the network is measured against.

Arrays in, arrays out, as everywhere outside the scene; importing the package loads nothing.
"""
