"""Small `.tflite` files of every kind, made by hand: each tells red, green and blue apart.

Written with the objects LiteRT generates from the format's schema, so that order, names, types
and shapes can be what a converter makes only of a real network.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers

LABELS = "red\ngreen\nblue\n"
COLOURS_BGR = {"red": (0, 0, 255), "green": (0, 255, 0), "blue": (255, 0, 0)}
GAIN = 10.0  # from a mean colour to a logit

POST_PROCESS = "TFLite_Detection_PostProcess"
EDGE_TPU = "edgetpu-custom-op"
ANCHORS = np.array([[0.2, 0.3, 0.2, 0.4], [0.5, 0.5, 0.5, 0.5], [0.8, 0.7, 0.2, 0.2]], np.float32)
BOXES = [(0.1, 0.1, 0.5, 0.3), (0.25, 0.25, 0.75, 0.75), (0.6, 0.7, 0.8, 0.9)]  # x, y, x, y


class Graph:
    """A graph that grows operator by operator; tensors are numbers."""

    def __init__(self) -> None:
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.description = "made by a test"
        self.model.buffers = [schema.BufferT()]
        self.model.operatorCodes = []
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.model.subgraphs = [self.graph]

    def tensor(
        self, name, shape, dtype="float32", scale=0.0, zero_point=0, data=None, signature=None
    ) -> int:
        tensor = schema.TensorT()
        tensor.name, tensor.shape = name, list(shape)
        tensor.type = getattr(schema.TensorType, dtype.upper())
        if signature is not None:
            tensor.shapeSignature = list(signature)
        if scale:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = [scale]
            tensor.quantization.zeroPoint = [zero_point]
        if data is not None:
            tensor.buffer = len(self.model.buffers)
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.asarray(data).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def constant(self, values, dtype="float32") -> int:
        values = np.asarray(values, dtype)
        return self.tensor(f"constant_{len(self.graph.tensors)}", values.shape, dtype, data=values)

    def operator(self, kind, inputs, outputs, options=None, custom=None) -> list[int]:
        code = schema.OperatorCodeT()
        code.version = 1
        if kind in (POST_PROCESS, EDGE_TPU):
            code.customCode, kind = kind, "CUSTOM"
        code.builtinCode = getattr(schema.BuiltinOperator, kind)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self.model.operatorCodes)
        self.model.operatorCodes.append(code)
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        if options is not None:
            name = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, name)
            operator.builtinOptions = options
        if custom is not None:
            operator.customOptions = np.frombuffer(custom, np.uint8)
        self.graph.operators.append(operator)
        return list(outputs)

    def mean_colour(self, image: int, axes=(1, 2)) -> int:
        """(1, 3): the mean of each channel."""
        out = self.tensor("mean", (1, 3))
        options = schema.ReducerOptionsT()
        options.keepDims = False
        self.operator("MEAN", [image, self.constant(axes, "int32")], [out], options)
        return out

    def scaled(self, values: int, factor: float, shape=(1, 3)) -> int:
        out = self.tensor("scaled", shape)
        self.operator("MUL", [values, self.constant([factor])], [out], schema.MulOptionsT())
        return out

    def dense(self, values: int, weights, biases, name="dense") -> int:
        """(1, rows of weights)."""
        out = self.tensor(name, (1, len(weights)))
        inputs = [values, self.constant(weights), self.constant(biases)]
        self.operator("FULLY_CONNECTED", inputs, [out], schema.FullyConnectedOptionsT())
        return out

    def reshaped(self, values: int, shape, name="reshaped") -> int:
        out = self.tensor(name, shape)
        self.operator("RESHAPE", [values, self.constant(shape, "int32")], [out])
        return out

    def softmax(self, values: int, shape=(1, 3), name="scores") -> int:
        out = self.tensor(name, shape)
        options = schema.SoftmaxOptionsT()
        options.beta = 1.0
        self.operator("SOFTMAX", [values], [out], options)
        return out

    def dequantised(self, values: int, shape) -> int:
        out = self.tensor("real", shape)
        self.operator("DEQUANTIZE", [values], [out], schema.DequantizeOptionsT())
        return out

    def quantised(self, values: int, shape, dtype, scale, zero_point, name="scores") -> int:
        out = self.tensor(name, shape, dtype, scale, zero_point)
        self.operator("QUANTIZE", [values], [out], schema.QuantizeOptionsT())
        return out

    def sign(self, inputs: dict[str, int], outputs: dict[str, int]) -> None:
        """Give the model a signature, with these names."""

        def maps(tensors):
            entries = []
            for name, index in tensors.items():
                entry = schema.TensorMapT()
                entry.name, entry.tensorIndex = name, index
                entries.append(entry)
            return entries

        signature = schema.SignatureDefT()
        signature.inputs, signature.outputs = maps(inputs), maps(outputs)
        signature.signatureKey = "serving_default"
        self.model.signatureDefs = [signature]

    def describe(self, data: bytes) -> None:
        """Put TFLite Metadata into the model."""
        entry, buffer = schema.MetadataT(), schema.BufferT()
        entry.name, entry.buffer = "TFLITE_METADATA", len(self.model.buffers)
        buffer.data = np.frombuffer(data, np.uint8)
        self.model.buffers.append(buffer)
        self.model.metadata = [entry]

    def write(self, inputs, outputs) -> bytes:
        self.graph.inputs, self.graph.outputs = list(inputs), list(outputs)
        builder = flatbuffers.Builder(4096)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def classifier(
    *,
    dtype="float32",
    scale=0.0,
    zero_point=0,
    layout="nhwc",
    side=32,
    signature=None,
    logits=False,
    output=None,
    metadata=None,
    gain=None,
    scores_shape=(1, 3),
) -> bytes:
    """Scores of red, green and blue: the mean colour times ten, through softmax.

    ``gain`` multiplies the input before anything else; ``output`` is (dtype, scale, zero point).
    """
    graph = Graph()
    shape = (1, side, side, 3) if layout == "nhwc" else (1, 3, side, side)
    image = graph.tensor("picture", shape, dtype, scale, zero_point, signature=signature)
    real = image if dtype == "float32" else graph.dequantised(image, shape)
    if gain is not None:
        real = graph.scaled(real, gain, shape)
    mean = graph.mean_colour(real, (1, 2) if layout == "nhwc" else (2, 3))
    scores = graph.scaled(mean, GAIN)
    if not logits:
        scores = graph.softmax(scores)
    if scores_shape != (1, 3):
        scores = graph.reshaped(scores, scores_shape)
    if output is not None:
        scores = graph.quantised(scores, scores_shape, *output)
    if metadata is not None:
        graph.describe(metadata)
    return graph.write([image], [scores])


def compiled_part(runtime: int | None = 13) -> bytes:
    """Options of the operator that Coral's compiler writes; ``runtime`` is the least it needs."""
    builder = flatbuffers.Builder(64)
    builder.StartObject(8)
    if runtime is not None:
        builder.PrependInt32Slot(0, runtime, 0)
    builder.Finish(builder.EndObject())
    package = bytes(builder.Output())
    options = flexbuffers.Builder()
    with options.Map():
        options.Key("1")
        options.Int(1)
        options.Key("4")
        options.String(package.decode())
    return bytes(options.Finish())


def compiled(*, runtime: int | None = 13, side=32) -> bytes:
    """The classifier as Coral's compiler leaves one: an operator of its own, and nothing else.

    ``runtime`` is the least that it needs; None for a file that does not say it. What
    :mod:`.delegates` builds carries it out: the scores are the mean colour, in bytes.
    """
    graph = Graph()
    image = graph.tensor("picture", (1, side, side, 3), "uint8", 1 / 128, 128)
    scores = graph.tensor("scores", (1, 3), "uint8", 1 / 256)
    graph.operator(EDGE_TPU, [image], [scores], custom=compiled_part(runtime))
    return graph.write([image], [scores])


def _class_scores(graph: Graph, image: int, classes: int) -> int:
    """(1, 3, classes): logits, those of colour n at anchor n for the class n + 1 high."""
    weights = np.zeros((3, classes, 3), np.float32)
    for colour in range(3):
        weights[colour, colour + classes - 3, colour] = 8
    mean = graph.mean_colour(image)
    flat = graph.dense(mean, weights.reshape(-1, 3), np.full(3 * classes, -4, np.float32))
    return graph.reshaped(flat, (1, 3, classes), "class_logits")


def ssd(order=(0, 1, 2, 3), *, side=32, names=None, rows=5, known_shapes=True) -> bytes:
    """A detector that ends in TFLite_Detection_PostProcess; box n is there if colour n is.

    ``order`` is that of the model's outputs, as places in the operator's (boxes, classes,
    scores, count).
    """
    graph = Graph()
    image = graph.tensor("picture", (1, side, side, 3))
    logits = _class_scores(graph, image, 4)
    scores = graph.tensor("class_scores", (1, 3, 4))
    graph.operator("LOGISTIC", [logits], [scores])
    options = {
        "max_detections": rows,
        "max_classes_per_detection": 1,
        "detections_per_class": 100,
        "use_regular_nms": False,
        "nms_score_threshold": 1e-8,
        "nms_iou_threshold": 0.6,
        "num_classes": 3,
        "y_scale": 10.0,
        "x_scale": 10.0,
        "h_scale": 5.0,
        "w_scale": 5.0,
    }
    shapes = [(1, rows, 4), (1, rows), (1, rows), (1,)] if known_shapes else [()] * 4
    names = names or [f"{POST_PROCESS}{f':{n}' if n else ''}" for n in range(4)]
    outputs = [graph.tensor(name, shape) for name, shape in zip(names, shapes, strict=True)]
    inputs = [graph.constant(np.zeros((1, 3, 4))), scores, graph.constant(ANCHORS)]
    graph.operator(POST_PROCESS, inputs, outputs, custom=bytes(flexbuffers.Dumps(options)))
    return graph.write([image], [outputs[place] for place in order])


def plain_detections(
    order=(0, 1, 2, 3), names=None, *, count=True, pixels=1.0, corners="yxyx", metadata=None
) -> bytes:
    """Detections by operators that say nothing of their meaning: always the same two of three."""
    graph = Graph()
    image = graph.tensor("picture", (1, 32, 32, 3))
    mean = graph.mean_colour(image)
    boxes = np.array(BOXES, np.float32) * pixels
    if corners == "yxyx":
        boxes = boxes[:, [1, 0, 3, 2]]
    values = [boxes.ravel(), [2, 0, 1], [0.875, 0.75, 0.25], [2]]
    outputs = []
    for value, shape, name in zip(
        values, [(1, 3, 4), (1, 3), (1, 3), (1,)], names or ["a", "b", "c", "d"], strict=True
    ):
        flat = graph.dense(mean, np.zeros((len(value), 3)), value)
        outputs.append(graph.reshaped(flat, shape, name))
    if not count:
        outputs.pop()
    if metadata is not None:
        graph.describe(metadata)
    return graph.write([image], [outputs[place] for place in order])


def raw_ssd(*, swapped=False, classes=4, probability=False, names=("x", "y")) -> bytes:
    """The raw heads of a detector of 3 anchors: nothing decoded, nothing suppressed."""
    graph = Graph()
    image = graph.tensor("picture", (1, 32, 32, 3))
    scores = _class_scores(graph, image, classes)
    if probability:
        out = graph.tensor("class_scores", (1, 3, classes))
        graph.operator("LOGISTIC", [scores], [out])
        scores = out
    flat = graph.dense(graph.mean_colour(image), np.full((12, 3), 1e-4), np.zeros(12))
    boxes = graph.reshaped(flat, (1, 3, 4), names[0])
    outputs = [scores, boxes] if swapped else [boxes, scores]
    return graph.write([image], outputs)


def shape_computed_late(shape=(), signature=None) -> bytes:
    """A classifier whose output has its shape, (1, 3), when it has run: the shape is computed.

    ``shape`` and ``signature`` are what the file declares of it.
    """
    graph = Graph()
    image = graph.tensor("picture", (1, 32, 32, 3))
    scores = graph.softmax(graph.scaled(graph.mean_colour(image), GAIN))
    zeros = graph.tensor("zeros", (1, 3), "int32")
    graph.operator("CAST", [scores], [zeros], schema.CastOptionsT())
    sizes = graph.tensor("sizes", (2,), "int32")
    picked = graph.tensor("picked", (2,), "int32")
    flat = graph.tensor("flat", (3,), "int32")
    graph.operator("RESHAPE", [zeros, graph.constant([3], "int32")], [flat])
    bounds = [graph.constant([n], "int32") for n in (0, 2, 1)]
    options = schema.StridedSliceOptionsT()
    graph.operator("STRIDED_SLICE", [flat, *bounds], [picked], options)
    least = graph.tensor("least", (2,), "int32")
    graph.operator("MINIMUM", [picked, graph.constant([0, 0], "int32")], [least])
    graph.operator("ADD", [least, graph.constant([1, 3], "int32")], [sizes], schema.AddOptionsT())
    late = graph.tensor("late", shape, signature=signature)
    graph.operator("RESHAPE", [scores, sizes], [late])
    return graph.write([image], [late])


def grey(layout="nhwc", dtype="float32", scale=0.0, zero_point=0) -> bytes:
    """Whether a grey picture is light: the logistic function of ten times its mean."""
    graph = Graph()
    shape = (1, 32, 32, 1) if layout == "nhwc" else (1, 1, 32, 32)
    image = graph.tensor("picture", shape, dtype, scale, zero_point)
    real = image if dtype == "float32" else graph.dequantised(image, shape)
    mean = graph.tensor("mean", (1, 1))
    options = schema.ReducerOptionsT()
    options.keepDims = False
    axes = graph.constant((1, 2) if layout == "nhwc" else (2, 3), "int32")
    graph.operator("MEAN", [real, axes], [mean], options)
    light = graph.tensor("light", (1, 1))
    graph.operator("LOGISTIC", [graph.scaled(mean, GAIN, (1, 1))], [light])
    return graph.write([image], [light])


def two_inputs() -> bytes:
    graph = Graph()
    images = [graph.tensor(name, (1, 32, 32, 3)) for name in ("left", "right")]
    both = graph.tensor("both", (1, 32, 32, 3))
    graph.operator("ADD", images, [both], schema.AddOptionsT())
    return graph.write(images, [graph.softmax(graph.mean_colour(both))])


def segmentation() -> bytes:
    graph = Graph()
    image = graph.tensor("picture", (1, 32, 32, 3))
    return graph.write([image], [graph.softmax(image, (1, 32, 32, 3), "map")])


def metadata(
    mean=(),
    std=(),
    size_wh=None,
    outputs=(),
    label_file=None,
    label_kind=2,
    locale="",
    box_index=None,
    box_type=1,
) -> bytes:
    """TFLite Metadata, with only these fields; numbers are those of its schema."""
    builder = flatbuffers.Builder(256)

    def floats(values) -> int:
        builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            builder.PrependFloat32(value)
        return builder.EndVector()

    def tables(offsets) -> int:
        builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            builder.PrependUOffsetTRelative(offset)
        return builder.EndVector()

    def table(fields: dict[int, int], *, numbers: dict[int, int] | None = None) -> int:
        builder.StartObject(12)
        for number, offset in fields.items():
            builder.PrependUOffsetTRelativeSlot(number, offset, 0)
        for number, value in (numbers or {}).items():
            builder.PrependByteSlot(number, value, 0)
        return builder.EndObject()

    units = []
    if mean or std:
        options = table({0: floats(mean), 1: floats(std)})
        units.append(table({1: options}, numbers={0: 1}))
    parts = {4: tables(units)}
    if size_wh is not None:
        builder.StartObject(2)
        for number, side in enumerate(size_wh):
            builder.PrependUint32Slot(number, side, 0)
        size = builder.EndObject()
        content = table({1: table({1: size})}, numbers={0: 2})
        parts[3] = content
    image = table(parts)
    described = []
    for position, name in enumerate(outputs):
        fields = {0: builder.CreateString(name)}
        if label_file is not None and position == 0:
            named = {0: builder.CreateString(label_file)}
            if locale:
                named[3] = builder.CreateString(locale)
            fields[6] = tables([table(named, numbers={2: label_kind})])
        if box_index is not None and position == 0:
            builder.StartVector(4, len(box_index), 4)
            for value in reversed(box_index):
                builder.PrependUint32(value)
            properties = table({0: builder.EndVector()}, numbers={1: box_type})
            fields[3] = table({1: properties}, numbers={0: 3})
        described.append(table(fields))
    graph = table({2: tables([image]), 3: tables(described)})
    builder.Finish(table({3: tables([graph])}), b"M001")
    return bytes(builder.Output())


def with_files(path: Path, files: dict[str, str], model: bytes = b"model" * 100) -> Path:
    """Write a model with files zipped to its end, as the metadata tools leave it."""
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    path.write_bytes(model + zipped.getvalue())
    return path


YOLO_CELLS = 21  # of 8, 16 and 32 pixels in a picture of 32: 16 + 4 + 1


def yolo(
    *,
    shapes=1,
    objectness=None,
    columns=False,
    pixels=False,
    logits=False,
    dtype="float32",
    others=0,
    rows=None,
    swap_box=False,
    side=32,
    input_type=("float32", 0.0, 0),
) -> bytes:
    """Candidates, or with ``rows`` as many suppressed detections; box n is there if colour n is.

    Boxes are those of ``BOXES``, as centre and size, of rows as corners; 0..1, or in pixels.
    """
    objectness = shapes > 1 if objectness is None else objectness
    corners = np.array(BOXES, np.float32)
    centres = np.concatenate(
        ((corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]), axis=1
    )
    graph = Graph()
    kind, scale, zero_point = input_type
    image = graph.tensor("images", (1, side, side, 3), kind, scale, zero_point)
    real = image if kind == "float32" else graph.dequantised(image, (1, side, side, 3))
    mean = graph.mean_colour(real)
    if rows is not None:
        count, values = rows, 6
    else:
        cells = sum((side // stride) ** 2 for stride in (8, 16, 32))
        count, values = shapes * cells, 4 + objectness + 3 + others
    weights = np.zeros((count, values, 3), np.float32)
    biases = np.zeros((count, values), np.float32)
    if logits:
        biases[:, 4:] = -8
    for colour in range(3):
        first = 4 + objectness
        if rows is not None:
            biases[colour, :4], biases[colour, 5] = corners[colour], colour
            weights[colour, 4, colour] = 1  # the score is the mean colour
            continue
        biases[colour, :4] = centres[colour]
        if objectness:
            biases[colour, 4] = 1
        if logits:
            weights[colour, first + colour, colour] = 16
            biases[colour, 4] = 8 if objectness else biases[colour, 4]
        else:
            weights[colour, first + colour, colour] = 1
    if rows is None:
        biases[3:, :4] = (0.5, 0.5, 0.1, 0.1)
    if pixels:
        weights[:, :4] *= side
        biases[:, :4] *= side
    if swap_box:
        biases[:, 2:4] = -biases[:, 2:4]
    if columns:
        weights, biases = weights.swapaxes(0, 1), biases.T
    shape = (1, *biases.shape)
    flat = graph.dense(mean, weights.reshape(-1, 3), biases.ravel())
    out = graph.reshaped(flat, shape, "Identity")
    if dtype != "float32":
        out = graph.quantised(out, shape, dtype, 1.0 / 255, -128 if dtype == "int8" else 0)
    return graph.write([image], [out])


# Of a finder of faces in 128x128 pixels: a candidate, and its box in pixels, x, y, x, y.
FACES = {
    # the first of two in row 3, column 5 of cells of 8 pixels, whose middle is (44, 28)
    (3 * 16 + 5) * 2: ((4, -4, 32, 16), (32, 16, 64, 32)),
    # the sixth of six in row 7, column 0 of cells of 16 pixels, whose middle is (8, 120)
    512 + (7 * 8 + 0) * 6 + 5: ((24, -16, 16, 32), (24, 88, 40, 120)),
}


def blaze(*, swapped=False, side=128, points=6) -> bytes:
    """MediaPipe's finder of faces: the first face is there if red is, the second if green is."""
    graph = Graph()
    image = graph.tensor("input", (1, side, side, 3))
    mean = graph.mean_colour(image)
    count = 896
    boxes, logits = np.zeros((count, 4 + 2 * points)), np.full(count, -8.0)
    weights = np.zeros((count, 3))
    for colour, (place, (box, _)) in enumerate(FACES.items()):
        boxes[place, :4] = box
        weights[place, colour] = 12
    faint = np.full((boxes.size, 3), 1e-6)
    regressors = graph.reshaped(
        graph.dense(mean, faint, boxes.ravel()), (1, *boxes.shape), "regressors"
    )
    classificators = graph.reshaped(
        graph.dense(mean, weights, logits), (1, count, 1), "classificators"
    )
    outputs = [classificators, regressors] if swapped else [regressors, classificators]
    return graph.write([image], outputs)


def anchored_ssd(order=(0, 1, 2), *, classes=5, moving_anchors=False) -> bytes:
    """Raw boxes, scores and anchors, as ST's: each box half its width to the right of its anchor.

    ``order`` is that of the outputs, as places in (scores, boxes, anchors). Colour n is there at
    anchor n, which is ``BOXES[n]``.
    """
    graph = Graph()
    image = graph.tensor("picture", (1, 32, 32, 3))
    scores = graph.softmax(_class_scores(graph, image, classes), (1, 3, classes), "a")
    mean = graph.mean_colour(image)
    offsets = np.tile([0.5, -1e-3, 0.5, -1e-3], 3)
    boxes = graph.reshaped(graph.dense(mean, np.full((12, 3), -1e-5), offsets), (1, 3, 4), "b")
    moving = np.full((12, 3), 0.01 * moving_anchors)
    fixed = graph.dense(mean, moving, np.array(BOXES).ravel())
    anchors = graph.reshaped(fixed, (1, 3, 4), "c")
    outputs = [scores, boxes, anchors]
    return graph.write([image], [outputs[place] for place in order])


def decoded_pair(
    *, form="xyxy", pixels=1.0, background=False, names=("a", "b"), swapped=False
) -> bytes:
    """Boxes of 60 candidates and scores of each; box n is there if colour n is.

    ``form``: two corners, or centre and size (xywh). With ``background`` scores add up to 1, the
    first that of nothing.
    """
    graph = Graph()
    image = graph.tensor("picture", (1, 32, 32, 3))
    mean = graph.mean_colour(image)
    count, classes = 60, 3 + background
    boxes = np.tile(np.array([0.4, 0.4, 0.6, 0.6], np.float32), (count, 1))
    boxes[:3] = BOXES
    if form == "yxyx":
        boxes = boxes[:, [1, 0, 3, 2]]
    elif form == "xywh":
        centre, size = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
        boxes = np.concatenate((centre, size), axis=1)
    faint = np.full((boxes.size, 3), 1e-6)
    located = graph.dense(mean, faint, boxes.ravel() * pixels)
    weights = np.zeros((count, classes, 3))
    biases = np.full((count, classes), -4.0)
    biases[:, 0] += 6 * background
    for colour in range(3):
        weights[colour, colour + background, colour] = 12
    flat = graph.dense(mean, weights.reshape(-1, 3), biases.ravel())
    logits = graph.reshaped(flat, (1, count, classes))
    if background:
        scores = graph.softmax(logits, (1, count, classes), names[1])
    else:
        scores = graph.tensor(names[1], (1, count, classes))
        graph.operator("LOGISTIC", [logits], [scores])
    outputs = [graph.reshaped(located, (1, count, 4), names[0]), scores]
    return graph.write([image], outputs[::-1] if swapped else outputs)
