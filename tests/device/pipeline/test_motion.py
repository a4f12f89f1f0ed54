import numpy as np
import pytest

from device.pipeline import motion
from device.pipeline.motion import MotionDetector

SCENE = np.full((576, 768, 3), 90, np.uint8)


def with_square(side: int) -> np.ndarray:
    image = SCENE.copy()
    image[200 : 200 + side, 300 : 300 + side] = 200
    return image


def test_first_frame_moves():
    assert MotionDetector().moved(SCENE)


def test_noise_of_a_sensor_is_no_motion(noise):
    detector = MotionDetector()
    random = np.random.default_rng(1)
    detector.moved(SCENE)
    for _ in range(5):
        noisy = np.clip(SCENE + random.normal(0, 8, SCENE.shape), 0, 255).astype(np.uint8)
        assert not detector.moved(noisy)


@pytest.mark.parametrize(("side", "moves"), [(10, False), (60, True)])
def test_what_appears_moves_when_it_is_large_enough(side, moves):
    detector = MotionDetector()
    detector.moved(SCENE)
    assert detector.moved(with_square(side)) is moves


def test_slow_change_is_compared_with_the_last_frame_that_moved():
    detector = MotionDetector()
    detector.moved(SCENE)
    moves = [detector.moved(SCENE + np.uint8(level)) for level in range(4, 28, 4)]
    assert moves == [False, False, False, True, False, False]


def test_still_scene_is_looked_at_again_after_a_while(monkeypatch):
    now_s = [100.0]
    monkeypatch.setattr(motion.time, "monotonic", lambda: now_s[0])
    detector = MotionDetector()
    detector.moved(SCENE)
    now_s[0] += motion.REFRESH_S - 1
    assert not detector.moved(SCENE)
    now_s[0] += 2
    assert detector.moved(SCENE)
    assert not detector.moved(SCENE)


def test_size_may_change_between_frames():
    detector = MotionDetector()
    detector.moved(SCENE)
    assert not detector.moved(SCENE[:240, :320])
