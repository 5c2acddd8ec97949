"""Inputs that nobody foresaw: random geometries and values, files and model folders with random damage."""
