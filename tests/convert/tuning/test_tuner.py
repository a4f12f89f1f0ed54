from __future__ import annotations

import itertools
import shutil
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

from convert.calibration.images import CalibrationInputs
from convert.cli import main
from convert.errors import EvaluationError
from convert.quantization import flatbuffer
from convert.quantization.candidates import CandidateMaker, CandidateSpec, stack_inputs
from convert.report.tuning import tuning
from convert.tuning.log import TUNING, TrialRecord, TuningLog, finalists, read_log
from convert.tuning.output_error import OutputError
from convert.tuning.search import BATCH, Candidate, Explorer, pareto_front
from convert.tuning.selection import choose, holds, refuse_noise
from convert.tuning.tuner import Tuner
from convert.tuning.types import Finalist, Fold, TuningResult
from device.bundle.bundle import Bundle
from device.inference.interpreter import Interpreter
from tests.helpers.tiny_bundle import pixels


@pytest.fixture
def bundle(built, tmp_path):
    return shutil.copytree(built / "bundle", tmp_path / "bundle")


@pytest.fixture(scope="module")
def output_error(built):
    bundle = Bundle(built / "bundle")
    float32 = bundle.variant("float32")
    inputs = pixels(built / "pictures")[4:20]
    return OutputError(bundle.file(float32.file), float32.heads, bundle.manifest.decoder, inputs)


def finalist(name, cost, seen, output_error=1.0, deviation=0.0):
    return Finalist(name, CandidateSpec(), cost, output_error, 1, seen, deviation, 0.0, 0.0, [])


class CountedCost:
    """Ranks files by what is in them, in place of by times: those are other ones at each run."""

    unit = "operators, and tensors in float32"

    def __init__(self, target, int8):
        self._int8 = self._count(int8)

    def _count(self, data):
        model = flatbuffer.read(data)
        return len(flatbuffer.operators(model)) + len(flatbuffer.float_tensors(model))

    def estimate(self, models):
        return [self._count(model) / self._int8 for model in models]

    confirm = estimate


@pytest.fixture(autouse=True)
def no_measured_time(monkeypatch):
    monkeypatch.setattr("convert.tuning.tuner.invoke_cost", CountedCost)


@pytest.fixture
def no_time(monkeypatch):
    """A minute goes by whenever the clock is read: the first batch is all there is time for."""
    clock = SimpleNamespace(monotonic=itertools.count(step=60).__next__)
    monkeypatch.setattr("convert.tuning.search.time", clock)
    monkeypatch.setattr("convert.tuning.tuner.time", clock)
    return ("--minutes", "1")


def tune(bundle, images, limit, *flags):
    return main(["tune", str(bundle), "--images", str(images), "--max-drop", limit, *flags])


def test_cheapest_that_keeps_the_limit_is_chosen():
    items = [
        finalist("a", 1.0, 0.5, 3.0),
        finalist("b", 1.2, 0.3, 2.0),
        finalist("c", 1.5, 0.0, 1.0),
    ]
    assert choose(items, 0.3, 1.0).name == "b"


def test_reserve_is_kept_where_it_costs_little():
    items = [finalist("a", 1.0, 0.2, 2.0), finalist("b", 1.04, 0.15, 1.0)]
    assert choose(items, 0.3, 1.0).name == "b"
    assert choose([items[0], finalist("c", 1.06, 0.15, 1.0)], 0.3, 1.0).name == "a"


def test_of_alike_costs_the_least_disturbing_is_chosen():
    items = [finalist("a", 1.0, 0.1, 2.0), finalist("b", 1.01, 0.1, 1.0)]
    assert choose(items, 0.3, 1.0).name == "b"


def test_closest_is_chosen_where_none_keeps_the_limit():
    items = [finalist("a", 1.0, 0.9, 2.0), finalist("b", 2.0, 0.4, 1.0)]
    assert choose(items, 0.3, 1.0).name == "b"


def test_nothing_is_paid_for_a_drop_that_noise_explains():
    # Measured alone, neither keeps the limit; but an output error ten times theirs costs a point,
    # so what theirs cost is a tenth, wherever luck put them.
    items = [
        finalist("cheap", 1.0, 0.4, 0.1, deviation=0.5),
        finalist("dear", 1.8, 0.4, 0.05, deviation=0.5),
        finalist("spoiled", 1.0, 0.7, 1.0, deviation=0.1),
    ]
    assert choose(items, 0.3, 1.0).name == "cheap"


def unseen(output_error, drop, deviation):
    return Finalist("", CandidateSpec(), 1.0, output_error, 1, 0.0, 0.0, drop, deviation, [])


def test_bad_luck_of_the_one_chosen_is_told_by_what_the_others_lost():
    # Of its like, by the worst one, 0.1 is to be expected; its own 0.5 is mostly noise.
    worst, chosen = unseen(1.0, 1.6, 0.1), unseen(0.1, 0.5, 0.4)
    half = Fold([], [worst, chosen, unseen(0.1, -0.3, 0.4)], chosen, b"")
    assert half.expected_unseen(1.0) == pytest.approx(0.15 + 0.0340 * 0.35, abs=1e-4)


def test_drop_that_is_measured_well_is_believed():
    worst, chosen = unseen(1.0, 1.6, 0.1), unseen(0.1, 0.5, 0.001)
    half = Fold([], [worst, chosen, unseen(0.1, -0.3, 0.4)], chosen, b"")
    assert half.expected_unseen(1.0) == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize(
    ("expected", "of_the_kept", "interval", "kept"),
    [
        (0.1, 0.15, (-0.1, 0.6), True),
        (0.25, 0.15, (-0.1, 0.6), False),
        (0.1, 0.25, (-0.1, 0.6), False),
        (0.1, 0.15, (0.25, 0.6), False),  # refuted by what was measured
    ],
)
def test_limit_is_kept_where_that_is_expected_and_not_refuted(
    expected, of_the_kept, interval, kept
):
    outcome = TuningResult("mAP", "time", 9, 0.1, None, drop=0.3, interval=interval)
    outcome.expected, outcome.kept_expected = expected, of_the_kept
    assert holds(outcome, 0.2) is kept


def test_limit_inside_the_noise_is_refused_with_the_pictures_it_takes():
    refuse_noise(0.2, 0.4, 100)
    # Twice the deviation that is wanted: four times the pictures.
    with pytest.raises(EvaluationError, match="about 400 pictures"):
        refuse_noise(0.2, 0.8, 100)


def test_frontier_leaves_out_what_something_cheaper_equals():
    a, b, c = (
        Candidate(CandidateSpec(frozenset([n])), cost, output_error, 1)
        for n, (cost, output_error) in enumerate([(1.0, 5.0), (1.1, 6.0), (1.2, 2.0)])
    )
    assert pareto_front([c, b, a]) == [a, c]


def test_description_joins_neighbouring_layers():
    text = CandidateSpec(frozenset([3, 1, 2, 7]), frozenset([9])).describe()
    assert text.endswith("float32: 1-3 7, int16: 9")


def test_named_layers_stay_float_and_no_others(maker):
    whole, mixed = (
        flatbuffer.read(maker.make(choice))
        for choice in (CandidateSpec(), CandidateSpec(frozenset([1])))
    )
    assert [name for name, _ in flatbuffer.operators(whole)].count("DEQUANTIZE") == 0
    names = [name for name, _ in flatbuffer.operators(mixed)]
    place = names.index("DEPTHWISE_CONV_2D")
    assert names[place - 1 : place + 2] == ["DEQUANTIZE", "DEPTHWISE_CONV_2D", "QUANTIZE"]
    assert names.count("DEQUANTIZE") == names.count("QUANTIZE") == 1


def test_second_order_weights_are_other_steps_of_the_same_scales(maker):
    plain, other = (
        flatbuffer.read(maker.make(choice))
        for choice in (
            CandidateSpec(corrected=False),
            CandidateSpec(rounding="second-order", corrected=False),
        )
    )
    differ = 0
    for ours, theirs in zip(plain.subgraphs[0].tensors, other.subgraphs[0].tensors, strict=True):
        assert np.array_equal(ours.quantization.scale, theirs.quantization.scale)
        data = [m.buffers[t.buffer].data for m, t in ((plain, ours), (other, theirs))]
        differ += not np.array_equal(*data)
    assert 0 < differ <= len(maker.weighted)


def test_float_layers_disturb_less(maker, output_error):
    lifted = CandidateSpec(frozenset(range(len(maker.layers))))
    assert output_error(maker.make(lifted)) < output_error(maker.make(CandidateSpec()))


def test_what_improves_int8_disturbs_a_detector_less(bundle_dir):
    bundle = Bundle(bundle_dir)
    float32, rule = bundle.variant("float32"), bundle.manifest.input
    images = [bundle.file(sample.file) for sample in bundle.manifest.samples]
    inputs = stack_inputs(list(CalibrationInputs(rule, "image").dataset(images)()))
    path = bundle.file(float32.file)
    maker = CandidateMaker(path.read_bytes(), inputs, rule.value_range)
    output_error = OutputError(path, float32.heads, bundle.manifest.decoder, inputs)
    plain, *improved = (
        output_error(maker.make(choice))
        for choice in (
            CandidateSpec(corrected=False),
            CandidateSpec(),
            CandidateSpec(equalised=True),
            CandidateSpec(rounding="second-order", corrected=False),
        )
    )
    assert max(improved) < 0.8 * plain


def test_float32_does_not_disturb_itself(built, output_error):
    assert output_error((built / "bundle" / "float32.tflite").read_bytes()) == 0


def test_same_choice_makes_the_same_file(maker):
    assert maker.make(CandidateSpec(frozenset([0]))) == maker.make(CandidateSpec(frozenset([0])))


def test_network_that_is_equalised_is_another_with_the_same_layers(bundle_dir):
    """Its float layers answer as before; its weights are not those of the bundle's."""
    bundle = Bundle(bundle_dir)
    float32, rule = bundle.variant("float32"), bundle.manifest.input
    inputs = np.full((1, *rule.shape[1:]), 0.5, np.float32)
    path = bundle.file(float32.file)
    maker = CandidateMaker(path.read_bytes(), inputs, rule.value_range)
    everything = frozenset(range(len(maker.layers)))
    model = maker.make(CandidateSpec(everything, equalised=True))
    output_error = OutputError(path, float32.heads, bundle.manifest.decoder, inputs)
    assert output_error(model) < 1e-3  # the picture itself is in 8 bits
    kernels = [
        flatbuffer.constant(
            tree, tree.subgraphs[0].tensors[flatbuffer.operators(tree)[place][1].inputs[1]]
        )
        for tree, place in ((flatbuffer.read(path.read_bytes()), 2), (flatbuffer.read(model), 2))
    ]
    assert not np.allclose(*kernels)


def clocked_explorer(monkeypatch, said):
    """Explores a network of 40 layers, of which each candidate takes a second or two."""
    clock = itertools.count()
    monkeypatch.setattr("convert.tuning.search.time", SimpleNamespace(monotonic=clock.__next__))
    maker = SimpleNamespace(make=lambda _: b"", weighted=range(40), layers=range(40))
    cost = SimpleNamespace(estimate=lambda models: [1.0] * len(models))
    return Explorer(maker, lambda _: 1.0, cost, 0, said.append), next(clock)


def test_time_that_runs_out_ends_a_search_within_a_batch(monkeypatch):
    explorer, now = clocked_explorer(monkeypatch, [])
    explorer.run(now + 20)
    assert 9 <= len(explorer.tried) < 9 + BATCH / 2


def test_search_says_every_few_seconds_how_far_it_is(monkeypatch):
    said = []
    explorer, now = clocked_explorer(monkeypatch, said)
    explorer.run(now + 20)
    assert said[0] == "   5 made (int8)"


def test_tune_wins_back_what_int8_loses_and_adds_the_variant(bundle, built, capsys):
    assert tune(bundle, built / "pictures", "15") == 0
    manifest = Bundle(bundle).manifest
    Bundle(bundle).verify()
    assert manifest.variants["tuned"].recipe["max_drop_points"] == 15
    assert manifest.variants["tuned"].checks["litert"].ok
    log = read_log(bundle)
    float32 = bundle / "float32.tflite"
    assert log.met
    assert log.finished
    assert log.drop <= 15
    assert log.drop < log.int8_drop / 2
    assert log.float32_cost > 0
    assert len(log.layers) == len(flatbuffer.operators(flatbuffer.read(float32.read_bytes())))
    assert {item.name for item in finalists(log)} >= {"int8", log.kept}
    assert "tuned" in capsys.readouterr().out
    images = str(built / "pictures")
    assert main(["evaluate", str(bundle), "--images", images, "--variant", "tuned"]) == 0
    assert main(["report", str(bundle)]) == 0
    assert "tuning-chart" in (bundle / "report.html").read_text("utf-8")


def test_tune_says_what_is_closest_and_leaves_the_bundle(
    bundle, built, capsys, monkeypatch, no_time
):
    monkeypatch.setattr("convert.tuning.selection.refuse_noise", lambda *_: None)
    before = (bundle / "manifest.json").read_bytes()
    monkeypatch.setattr(Tuner, "_judge", spoiled(Tuner._judge))
    assert tune(bundle, built / "pictures", "15", *no_time) == 1
    said = capsys.readouterr().err
    assert "the closest loses" in said
    assert "float32 itself costs" in said
    assert (bundle / "manifest.json").read_bytes() == before
    assert not read_log(bundle).met


def spoiled(judge):
    """As if no half's choice had held on the other."""

    def spoil(self):
        judge(self)
        self.outcome.met = False

    return spoil


def test_interrupt_keeps_the_best_so_far(bundle, built, capsys, monkeypatch, no_time):
    search = Tuner._search

    def interrupted(self, number, *rest):
        if number == 1:
            raise KeyboardInterrupt
        return search(self, number, *rest)

    monkeypatch.setattr(Tuner, "_search", interrupted)
    assert tune(bundle, built / "pictures", "30", *no_time) == 0
    assert "the best so far is kept" in capsys.readouterr().err
    Bundle(bundle).verify()
    assert "tuned" in Bundle(bundle).manifest.variants
    assert not read_log(bundle).finished


def test_interrupt_of_the_first_half_measures_and_keeps_the_best_so_far(
    bundle, built, capsys, monkeypatch
):
    explore = Explorer.run

    def interrupted(self, *_):
        explore(self, 0.0)
        raise KeyboardInterrupt

    monkeypatch.setattr(Explorer, "run", interrupted)
    assert tune(bundle, built / "pictures", "30") == 0
    assert "measuring the best so far" in capsys.readouterr().err
    Bundle(bundle).verify()
    assert "tuned" in Bundle(bundle).manifest.variants
    log = read_log(bundle)
    assert len(log.halves) == 1
    assert not log.finished


def test_damaged_bundle_is_refused_before_the_search(bundle, built, capsys, monkeypatch):
    (bundle / "int8.tflite").write_bytes(b"")
    monkeypatch.setattr("convert.tuning.tuner.Tuner", None)
    assert tune(bundle, built / "pictures", "30") == 1
    assert "int8.tflite" in capsys.readouterr().err


def test_bundle_that_cannot_be_written_is_refused_before_the_search(
    bundle, built, capsys, monkeypatch
):
    monkeypatch.setattr("os.access", lambda *_: False)
    monkeypatch.setattr("convert.tuning.tuner.Tuner", None)
    assert tune(bundle, built / "pictures", "30") == 1
    assert "cannot be written: tune a copy" in capsys.readouterr().err


def test_interrupt_before_anything_is_judged_changes_nothing(bundle, built, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Tuner, "_search", interrupted)
    assert tune(bundle, built / "pictures", "30") == 130
    assert "tuned" not in Bundle(bundle).manifest.variants
    assert not (bundle / TUNING).exists()


def write_labels(path, class_ids):
    rows = [f"{n:02}.png\t{class_id}\tn0\tclass {class_id}" for n, class_id in enumerate(class_ids)]
    path.write_text("file\tclass_index\twnid\tname\n" + "\n".join(rows) + "\n")


def test_labels_make_it_points_of_top_1(bundle, built, tmp_path, capsys, no_time):
    interpreter, answers = Interpreter("litert", bundle / "float32.tflite", 1), []
    for image in pixels(built / "pictures"):
        interpreter.input_tensor()[...] = image
        interpreter.invoke()
        answers.append(int(interpreter.output_tensors()[0].argmax()))
    write_labels(tmp_path / "labels.tsv", answers)
    flags = ("--annotations", str(tmp_path / "labels.tsv"), *no_time)
    assert tune(bundle, built / "pictures", "60", *flags) == 0
    assert read_log(bundle).metric == "top-1"
    assert "float32 scores 100.00 points" in capsys.readouterr().err


def test_limit_that_float32_itself_does_not_reach_is_refused(bundle, built, tmp_path, capsys):
    write_labels(tmp_path / "labels.tsv", [n % 5 for n in range(32)])
    flags = ("--annotations", str(tmp_path / "labels.tsv"))
    assert tune(bundle, built / "pictures", "60", *flags) == 1
    assert "would let go altogether" in capsys.readouterr().err.splitlines()[-1]
    assert not (bundle / TUNING).exists()


def test_damaged_log_is_refused(bundle):
    (bundle / TUNING).write_bytes(msgspec.json.encode({"halves": np.pi}))
    with pytest.raises(EvaluationError, match="tune again"):
        read_log(bundle)


def test_report_shows_the_search_and_a_page_without_one_does_not():
    rows = (
        TrialRecord("a", "as <b>", 1.0, 0.5, 10, drop_seen=0.5, drop_unseen=0.6),
        TrialRecord("c", "float32: 1", 1.3, 0.1, 10, frontier=True, drop_seen=0.1, drop_unseen=0.2),
        TrialRecord("d", "float32: 2", 1.4, 0.3, 10),
    )
    log = TuningLog(
        "mAP", "time", 0.3, 0, 9, 0.5, (0.1, 0.9), 0.2, (0.0, 0.4), True, True, "c", (rows,), 2.5
    )
    page = tuning(log)
    assert "<b>" not in page
    assert page.count("<circle") == len(finalists(log)) + len(rows) + 1
    assert ">float32</text>" in page
    assert 'r="5" class="dot accent"' in page
    assert "0.00 to 0.40 in 95%" in page
    assert tuning(None) == ""
