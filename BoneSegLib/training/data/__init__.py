"""Anybody's images and labels, found on disk and brought into one form.

`find` and `nnunet_raw` find pairs of files, `BoneSegLib.label_rules` says which drawn values become which label,
`read_case` reads a pair, `harmonise` turns it to LPS axes.
"""
