"""Model folders: reading and verifying them, and building their networks.

`plans`, `architecture` and `dataset` read nnU-Net v2's two JSON files, `folder` makes a `model` of them (with
`boneseg.json`, if there is one), `integrity` tells whether its files are as they were, `checkpoint` loads weights
without running code, `network` builds the DynUNet of MONAI and maps the weights, `catalogue` knows the bundled models,
`named` finds a model by what the command line calls it.
"""
