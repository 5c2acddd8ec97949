"""Tests on the real MRML runtime (slicer-core)."""
