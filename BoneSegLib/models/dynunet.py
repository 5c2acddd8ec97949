"""MONAI's DynUNet with the decoder of nnU-Net's PlainConvUNet; imports MONAI, so import it where it is needed.

The two differ where kernels do, as they do for thick slices: a level of DynUNet's decoder convolves with the kernel of
the encoder's level below it, a level of PlainConvUNet's with that of its own.
"""

from __future__ import annotations

from monai.networks.nets.dynunet import DynUNet, UnetUpBlock
from torch import nn


class DynUNetOfNnunet(DynUNet):
    """A DynUNet whose decoder has, at every level, the kernel that the encoder has there."""

    def get_upsamples(self) -> nn.ModuleList:
        return self.get_module_list(
            self.filters[:0:-1],
            self.filters[-2::-1],
            self.kernel_size[-2::-1],
            self.strides[:0:-1],
            UnetUpBlock,
            self.upsample_kernel_size[::-1],
            trans_bias=self.trans_bias,
        )
