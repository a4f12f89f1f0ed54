from __future__ import annotations


def test_info_says_what_a_bundle_holds(device, bundle_dir):
    ran = device("info", bundle_dir)
    assert ran.code == 0, ran.err
    assert "80 classes" in ran.out
    assert "every sha256 as the manifest says" in ran.out
    for variant in ("float32", "float16", "dynamic", "int8"):
        size = (bundle_dir / f"{variant}.tflite").stat().st_size
        assert any(
            line.startswith(variant) and f"{size / 1e6:.2f} MB" in line
            for line in ran.out.splitlines()
        )


def test_future_bundle_says_to_update(device, bundle_copy):
    bundle_copy.change(lambda manifest: manifest.update(format=99))
    ran = device("info", bundle_copy.folder)
    assert ran.code == 1
    assert "update liteberry" in ran.error


def test_damaged_bundle_says_to_copy_it_again(device, bundle_copy):
    (bundle_copy.folder / "samples" / "cat.jpg").write_bytes(b"x")
    ran = device("info", bundle_copy.folder)
    assert ran.code == 1
    assert "cat.jpg is damaged" in ran.error
    assert "copy or build the bundle again" in ran.error


def test_debug_shows_the_traceback_too(device, tmp_path):
    ran = device("info", tmp_path, "--debug")
    assert ran.code == 1
    assert "Traceback" in ran.err
    assert ran.err.splitlines()[-1].startswith("error: ")
