"""How much each channel matters on the user's images: a Taylor criterion."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from convert.compression.channel_groups import channel_groups
from convert.models.layer_weights import Array
from convert.training.batches import Batch
from convert.training.losses import focal_loss, smooth_l1_loss
from convert.training.network import normalised, raw_heads


@dataclass(frozen=True, slots=True)
class ChannelStatistics:
    """What was seen of channels, each float32 (channels,).

    ``importance`` by producer: expected square of the change of an image's loss where the channel
    were zero, to first order. ``means`` by the convolution that reads them: mean over images and
    places.
    """

    importance: dict[str, Array]
    means: dict[str, Array]


def channel_statistics(
    model: keras.Model, classes: int, batches: Iterable[Batch]
) -> ChannelStatistics:
    """Look at ``model``, an SSDLite of ``classes`` classes, on labelled images.

    Molchanov et al. 2019, arXiv:1906.10771, equation 8, with a gate on each channel's output: the
    square of activation times gradient, summed over places, averaged over images.
    """
    groups = channel_groups()
    producers = {group.producer: group.activation for group in groups}
    read = {
        reader.convolution: f"{reader.depthwise}.relu6" if reader.depthwise else group.activation
        for group in groups
        for reader in group.readers
    }
    seen = sorted({*producers.values(), *read.values()})
    probe = keras.Model(
        model.input, [model.output, {name: model.get_layer(name).output for name in seen}]
    )

    def look(pixels: Any, truth: Any, encodings: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            image = normalised(pixels)
            tape.watch(image)
            outputs, activations = probe(image, training=False)
            boxes, logits = raw_heads(outputs, classes)
            loss = focal_loss(logits, truth) + smooth_l1_loss(boxes, encodings, truth)
        wanted = {name: activations[layer] for name, layer in producers.items()}
        gradients = tape.gradient(loss, wanted)
        changes = {
            name: tf.reduce_sum(wanted[name] * gradients[name], axis=(1, 2)) for name in wanted
        }
        squares = {name: tf.reduce_sum(tf.square(item), axis=0) for name, item in changes.items()}
        means = {
            name: tf.reduce_sum(tf.reduce_mean(activations[layer], axis=(1, 2)), axis=0)
            for name, layer in read.items()
        }
        return squares, means

    looking = tf.function(look)
    sums: list[dict[str, Any]] = [{}, {}]
    count = 0
    for batch in batches:
        looked = looking(
            tf.constant(batch.pixels), tf.constant(batch.classes), tf.constant(batch.encodings)
        )
        count += len(batch.pixels)
        for total, part in zip(sums, looked, strict=True):
            for name, values in part.items():
                total[name] = total.get(name, 0) + values.numpy().astype(np.float64)
    importance, means = (
        {name: (total / max(count, 1)).astype(np.float32) for name, total in items.items()}
        for items in sums
    )
    return ChannelStatistics(importance, means)
