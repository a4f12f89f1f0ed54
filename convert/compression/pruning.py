"""Removal of channels: a plain smaller network, without masks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from convert.compression.channel_groups import ChannelGroup, channel_groups, first_of
from convert.models.layer_weights import Array, LayerWeights

Kept = NDArray[np.intp]


def remove_channels(
    weights: LayerWeights, kept: Mapping[str, Kept], means: Mapping[str, Array] | None = None
) -> LayerWeights:
    """``weights`` with only the channels ``kept`` of each producer named, in that order.

    ``means``: of each reader of :func:`~convert.compression.channel_groups.channel_groups`, by the
    name of its convolution, the mean of each channel as it reads them, float32 (channels,). What a
    channel says on the mean is a bias, and goes into that of the reader (with it a channel that is
    always the same is removed without a trace).
    """
    cut = dict(weights)
    for group in channel_groups():
        if group.producer in kept:
            _remove(cut, group, np.asarray(kept[group.producer], np.intp), means or {})
    return cut


def _remove(cut: LayerWeights, group: ChannelGroup, kept: Kept, means: Mapping[str, Array]) -> None:
    kernel, bias = cut[group.producer]
    gone = np.setdiff1d(np.arange(kernel.shape[3]), kept)
    cut[group.producer] = kernel[..., kept], bias[kept]
    for reader in group.readers:
        if reader.depthwise:
            kernel, bias = cut[reader.depthwise]
            cut[reader.depthwise] = kernel[:, :, kept], bias[kept]
        first = first_of(reader.convolution, cut)
        kernel, bias = cut[first]
        if reader.convolution in means:
            said = means[reader.convolution][gone] @ kernel[0, 0, gone]
            bias = (bias + said).astype(np.float32)
        cut[first] = kernel[:, :, kept], bias
