from __future__ import annotations

import functools
import gc
import itertools
import threading
import weakref

import msgspec
import pytest

from device.bundle.bundle import Bundle
from device.cameras.iterable import IterableCamera
from device.errors import BundleError, LiteberryError, UsageError
from device.images import read_image
from device.inference.engine import Engine
from device.pipeline.live_settings import BusyError, Controls, LiveSettings, SettingsChange
from device.pipeline.pipeline import Pipeline


@pytest.fixture
def pipeline(small_bundle, noise):
    return Pipeline(IterableCamera([noise]), Engine(Bundle(small_bundle), threads=1), [])


def make_controls(pipeline, bundle_dir, variants=("float32", "int8")):
    return Controls(pipeline, variants, functools.partial(Engine, Bundle(bundle_dir), threads=1))


def test_settings_are_those_of_the_engine(pipeline, small_bundle):
    controls = Controls(pipeline, ["int8"], lambda _: pipeline.engine, classes=["cat"])
    assert controls.settings == LiveSettings(0.5, ("cat",), "int8", None)


def test_threshold_and_classes_act_at_once(pipeline, small_bundle, photo):
    controls = make_controls(pipeline, small_bundle)
    frame = next(IterableCamera([read_image(photo)]).frames())
    assert "person" in {item.label for item in pipeline.engine.run(frame).detections}
    assert not controls.apply(SettingsChange(threshold=0.05, classes=("cup", "tie")))
    found = {item.label for item in pipeline.engine.run(frame).detections}
    assert found <= {"cup", "tie"}
    assert controls.settings == LiveSettings(0.05, ("cup", "tie"), "int8", None)
    controls.apply(SettingsChange(classes=()))
    assert "person" in {item.label for item in pipeline.engine.run(frame).detections}
    assert controls.settings.threshold == 0.05


def test_unknown_class_changes_nothing(pipeline, small_bundle):
    controls = make_controls(pipeline, small_bundle)
    with pytest.raises(UsageError, match="unicorn"):
        controls.apply(SettingsChange(threshold=0.9, classes=("unicorn",)))
    assert controls.settings == LiveSettings(0.5, (), "int8", None)


def test_unknown_variant_changes_nothing(pipeline, small_bundle):
    controls = make_controls(pipeline, small_bundle)
    with pytest.raises(UsageError, match="no variant 'int4'; there are: float32, int8"):
        controls.apply(SettingsChange(threshold=0.9, variant="int4"))
    assert controls.settings == LiveSettings(0.5, (), "int8", None)


@pytest.mark.parametrize(
    "text",
    [
        '{"threshold":0}', '{"threshold":1.01}', '{"threshold":-1}', '{"threshold":"0.5"}',
        '{"threshold":NaN}', '{"threshold":null}', '{"classes":"cat"}', '{"classes":[1]}',
        '{"variant":1}', '{"speed":1}', "[]", "1", "", "{",
    ],
)  # fmt: skip
def test_change_that_cannot_be_meant_is_no_change(text):
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(text, type=SettingsChange)


def test_variant_takes_over_with_threshold_and_classes(pipeline, bundle_dir, photo):
    controls = make_controls(pipeline, bundle_dir)
    assert controls.apply(SettingsChange(threshold=0.3, classes=("cat",), variant="float32"))
    assert controls.settings.switching_to == "float32"
    controls.switch()
    assert controls.settings == LiveSettings(0.3, ("cat",), "float32", None)
    assert pipeline.engine.variant == "float32"
    frame = next(IterableCamera([read_image(photo)]).frames())
    assert pipeline.engine.run(frame).detections == (), "the person is none of the classes"


def test_pause_and_its_end_act_at_once(pipeline, small_bundle):
    controls = make_controls(pipeline, small_bundle)
    controls.apply(SettingsChange(paused=True))
    assert pipeline.paused
    assert controls.settings.paused
    controls.apply(SettingsChange(paused=False))
    assert not pipeline.paused


def test_same_variant_needs_no_switch(pipeline, small_bundle):
    controls = make_controls(pipeline, small_bundle)
    assert not controls.apply(SettingsChange(variant="int8"))
    assert controls.settings.switching_to is None


def test_second_switch_has_to_wait_for_the_first(pipeline, bundle_dir):
    controls = make_controls(pipeline, bundle_dir)
    controls.apply(SettingsChange(variant="float32"))
    with pytest.raises(BusyError, match="float32 is being loaded"):
        controls.apply(SettingsChange(variant="float32"))
    controls.switch()
    assert not controls.apply(SettingsChange(variant="float32"))


def test_variant_that_fails_leaves_the_old_one(pipeline, bundle_copy):
    (bundle_copy.folder / "int8.tflite").write_bytes(b"damaged")
    old = pipeline.engine
    old.variant = "float32"  # so that int8 is another one
    controls = make_controls(pipeline, bundle_copy.folder)
    controls.apply(SettingsChange(variant="int8"))
    with pytest.raises(BundleError, match="damaged"):
        controls.switch()
    assert pipeline.engine is old
    assert controls.settings.switching_to is None
    assert issubclass(BundleError, LiteberryError)


def test_replaced_engine_is_freed_while_the_run_goes_on(bundle_dir, photo):
    bundle, stop = Bundle(bundle_dir), threading.Event()
    image = read_image(photo)
    pipeline = Pipeline(IterableCamera(itertools.repeat(image)), Engine(bundle, threads=1), [])
    controls = make_controls(pipeline, bundle_dir)
    old = weakref.ref(pipeline.engine)
    thread = threading.Thread(target=pipeline.run, args=(None, stop))
    thread.start()
    try:
        controls.apply(SettingsChange(variant="float32"))
        controls.switch()
        reached = pipeline.rate.stamps + 8  # more than are on their way
        while pipeline.rate.stamps < reached:
            assert thread.is_alive()
        gc.collect()
        assert old() is None
    finally:
        stop.set()
        thread.join()
