"""Trains the small network that sees discs (`BoneSegLib.spine.disc_network`) on the spines of synthetic cases.

`examples` straightens the spine of a case along the axis that a coarse network's names would have given, and marks the
discs of the true labels; `augmentation` changes such pictures; `train` does both for all cases, and trains.
"""
