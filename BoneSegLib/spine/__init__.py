"""Where one vertebra ends and the next begins, read from the CT: a coarse network counts well and measures badly.

`axis` finds the line through the vertebral bodies, `picture` straightens what lies along it, `disc_network` sees discs
there, `discs` decides which of them each name begins at, `names` moves the names.
Arrays are kji with k to the head; positions along the spine are arc lengths in mm, from below.
"""
