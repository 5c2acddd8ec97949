"""The only code that knows MRML: volume nodes in, segmentation nodes, tables and terminology out.

`read` makes a `BoneSegLib.volume.Volume` of a volume node, `write` a segmentation node of a label map, `labels` the way
back; `statistics` measures the segments, `terminology` loads the codes of the ten bones. The same code runs inside
Slicer and on slicer-core; callers outside Slicer call `BoneSegLib.headless.ensure_runtime` first.
"""
