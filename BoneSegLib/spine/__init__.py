"""Where one vertebra ends and the next begins, read from the CT: a coarse network counts well and measures badly.

`axis` finds the line through the vertebral bodies, `discs` the discs along it, `names` moves the names to them.
Arrays are kji with k to the head; positions along the spine are arc lengths in mm, from below.
"""
