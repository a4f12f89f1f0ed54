from __future__ import annotations

import msgspec
import pytest

from device.bench.job import Bare, Frames, Invokes, Tick, WorkerJob
from device.bench.record import MemoryUse
from device.bundle.bundle import Bundle

MEMORY = MemoryUse(resident_mb=80.0, proportional_mb=None, peak_mb=90.0)


def test_job_with_a_bare_model_survives_the_way_into_the_process(small_bundle):
    bundle = Bundle(small_bundle)
    bare = Bare(manifest=bundle.manifest, labels=bundle.labels, anchors=bundle.anchors.tobytes())
    job = WorkerJob(
        bundle=str(small_bundle),
        variant="int8",
        interpreter="litert",
        threads=1,
        warmups=0,
        min_count=1,
        min_time_s=0.0,
        bare=bare,
    )
    assert msgspec.json.decode(msgspec.json.encode(job), type=WorkerJob) == job


@pytest.mark.parametrize(
    "answer",
    [
        Tick(elapsed_s=5.0, fps=20.0, median_ms=50.0),
        Frames(
            frame_ms=(1.0,),
            age_ms=(2.0,),
            stages_ms={"invoke": (0.5,)},
            dropped=0,
            cpu_percent=1.0,
            memory=MEMORY,
        ),
    ],
)
def test_answers_are_told_apart_by_their_tags(answer):
    data = msgspec.json.encode(answer)
    assert msgspec.json.decode(data, type=Tick | Frames | Invokes) == answer
