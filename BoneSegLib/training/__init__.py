"""Synthetic CT, data sets, the training loop and the export to a model folder.

Nothing heavy is imported here: the command line imports a submodule when its command runs.
"""
