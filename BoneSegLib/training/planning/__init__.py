"""From the data to a network: resolution, window, pooling, size and normalisation, by nnU-Net's rules.

`fingerprint` measures the cases, `spacing`, `topology` and `budget` hold one rule each, `planner` ties them,
`network_plan` is the result. Source of the rules: F. Isensee et al., "nnU-Net: a self-configuring method for deep
learning-based biomedical image segmentation", Nature Methods 18 (2021), its supplement, and nnU-Net v2.
"""
