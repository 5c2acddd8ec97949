"""Anatomy in, CT out: label maps of real anatomy become synthetic CT, as in SynthSeg (Billot et al. 2023)."""
