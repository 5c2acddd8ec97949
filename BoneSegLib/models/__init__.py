"""Model folders: reading and verifying them, and building their networks.

`plans` and `dataset` read nnU-Net v2's two JSON files, `folder` puts a model's stages together (with `boneseg.json`, if
there is one), `checkpoint` loads weights without running code, `network` builds MONAI's DynUNet and maps the weights,
`catalogue` knows the bundled models.
"""
