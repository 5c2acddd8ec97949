"""Where one vertebra ends and the next begins, and which is which: a coarse network measures badly and may miscount.

`axis` finds the line through the vertebral bodies, `borders` where along it the network's names begin, `picture`
straightens what lies along it, `disc_network` sees discs there, `levels` decides which name each mm should bear,
`shift` and `renaming` are what becomes of the network's names then, and `names` does it.
Arrays are kji with k to the head; positions along the spine are arc lengths in mm, from below.
"""
