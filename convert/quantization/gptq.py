"""Second-order rounding: a weight's rounding error is made up for by the weights after it.

Rounding to nearest makes each weight's error least, not the layer's. Where inputs go together, as
the channels of a network do, an error of one weight can be taken back by another. This is GPTQ
(Frantar et al. 2023, arXiv:2210.17323), after Hassibi and Stork's Optimal Brain Surgeon (1993):
weights are rounded one input at a time, and those not yet rounded move so that the squared error
of the layer's output grows least. Scales, sizes and cost at run time stay what they were.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from convert.quantization import flatbuffer
from convert.quantization.layerwise import Chunks, layer_inputs
from convert.quantization.weight_clusters import cluster_centres, nearest_centre

DAMPING = 0.01  # of the mean second derivative: inputs that never differ stay invertible
PLACES = 40_000  # of a layer's inputs that are enough, of each chunk of pictures
BLOCK = 64  # inputs after which those further on are brought up to date

Weights = NDArray[np.int8]
Reals = NDArray[np.float64]


def round_weights(
    float_model: Any,
    int8_model: Any,
    inputs: NDArray[np.float32],
    weight_clusters: int = 0,
) -> dict[bytes, Weights]:
    """Integer weights for the layers of ``int8_model``, by the name of the layer's output.

    Both are the same network, the first of which :func:`.layerwise.can_run`;
    ``inputs`` are float32 (pictures, height, width, 3), normalised. ``int8_model`` has the
    scales, and is left as it is; layers whose weights it holds otherwise are left out. Those
    of a layer take at most ``weight_clusters`` values; 0: as many as they like.
    """
    quantised = flatbuffer.integer_weights(int8_model)
    rounded = {}
    for name, operator, output, chunks in layer_inputs(float_model, inputs):
        if output not in quantised:
            continue
        kernel = float_model.subgraphs[0].tensors[operator.inputs[1]]
        weights = flatbuffer.constant(float_model, kernel)
        scales = np.asarray(quantised[output].quantization.scale, np.float64)
        hessians = _second_derivatives(name, operator, weights.shape, chunks)
        largest = flatbuffer.largest_weight(quantised[output])
        centres = np.arange(-largest, largest + 1, dtype=np.int8)
        if weight_clusters:
            plain = flatbuffer.constant(int8_model, quantised[output])
            sizes = flatbuffer.step_sizes(quantised[output])
            centres = cluster_centres(plain, sizes, weight_clusters)
        if name == "DEPTHWISE_CONV_2D":  # (1, height, width, channel): each has its own inputs
            columns = weights.reshape(-1, weights.shape[-1]).T[:, np.newaxis]
            steps = _round(columns, scales.reshape(-1, 1), hessians, centres)
            rounded[output] = steps[:, 0].T.reshape(weights.shape)
        else:  # (channel, ...)
            columns = weights.reshape(1, len(weights), -1)
            steps = _round(columns, scales.reshape(1, -1), hessians, centres)
            rounded[output] = steps.reshape(weights.shape)
    return rounded


def _second_derivatives(name: str, operator: Any, kernel: tuple[int, ...], chunks: Chunks) -> Reals:
    """Of the squared error of the outputs by the weights: (groups, weights, weights)."""
    total: Any = 0.0
    for chunk in chunks:
        places = math.prod(chunk.shape[1:-1])
        chunk = chunk[: math.ceil(PLACES / places)]
        rows = chunk
        if name != "FULLY_CONNECTED":
            options = operator.builtinOptions
            rows = tf.image.extract_patches(
                chunk,
                [1, kernel[1], kernel[2], 1],
                [1, options.strideH, options.strideW, 1],
                [1, 1, 1, 1],
                "VALID" if options.padding else "SAME",
            )
        rows = tf.reshape(rows, (-1, rows.shape[-1]))
        if name == "DEPTHWISE_CONV_2D":
            patches = tf.reshape(rows, (len(rows), -1, kernel[-1]))
            patches = tf.transpose(patches, (2, 1, 0))  # a channel's, side by side
            total = total + tf.matmul(patches, patches, transpose_b=True).numpy().astype(float)
        else:
            total = total + tf.matmul(rows, rows, transpose_a=True).numpy().astype(float)
    hessians: Reals = total if total.ndim == 3 else total[np.newaxis]
    return hessians


def _round(
    weights: NDArray[np.float32], scales: Reals, hessians: Reals, centres: Weights
) -> Weights:
    """Weights (groups, outputs, inputs) in steps of ``scales`` (groups, outputs).

    ``hessians``: (groups, inputs, inputs), what the outputs of a group share; ``centres``: the
    numbers of steps that there are, in rising order.
    """
    count = weights.shape[-1]
    diagonal = np.einsum("gii->gi", hessians)
    damping = DAMPING * diagonal.mean(axis=1, keepdims=True)
    damped = hessians + np.eye(count) * np.maximum(damping, np.finfo(np.float32).tiny)[..., None]
    # What matters most is rounded first, while there is most left to make up for it.
    order = np.argsort(-diagonal, axis=1, kind="stable")
    group = np.arange(len(weights))[:, np.newaxis]
    damped = damped[group[..., np.newaxis], order[:, :, np.newaxis], order[:, np.newaxis]]
    left = weights.astype(np.float64)[group, :, order].transpose(0, 2, 1)
    upper = _inverse_factor(damped)
    steps = np.empty(left.shape, np.int8)
    for start in range(0, count, BLOCK):
        end = min(start + BLOCK, count)
        errors = np.empty((*left.shape[:2], end - start))
        for place in range(start, end):
            value = left[:, :, place]
            step = nearest_centre(value / scales, centres)
            steps[:, :, place] = step
            error = (value - step * scales) / upper[:, place, place, np.newaxis]
            errors[:, :, place - start] = error
            left[:, :, place:end] -= (
                error[:, :, np.newaxis] * upper[:, np.newaxis, place, place:end]
            )
        left[:, :, end:] -= errors @ upper[:, start:end, end:]  # those far away, in one go
    back = np.argsort(order, axis=1, kind="stable")
    result: Weights = steps[group, :, back].transpose(0, 2, 1)
    return result


def _inverse_factor(hessians: Reals) -> Reals:
    """Upper triangles U with ``inverse(hessian) = transpose(U) U``, (groups, inputs, inputs).

    Without the inverse itself: of ``hessian = V transpose(V)``, V an upper triangle, it is V's.
    Cholesky's method gives lower ones, hence the turning round.
    """
    lower = tf.linalg.cholesky(hessians[:, ::-1, ::-1])
    identity = tf.eye(hessians.shape[-1], batch_shape=[len(hessians)], dtype=tf.float64)
    factor: Reals = tf.linalg.triangular_solve(
        tf.reverse(lower, [1, 2]), identity, lower=False
    ).numpy()
    return factor
