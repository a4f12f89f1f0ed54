def test_command_says_what_differs_and_fails(device, bundle_copy, small_bundle):
    ran = device("verify", small_bundle)
    assert ran.code == 0, ran.err
    assert "int8 in litert" in ran.out
    assert "as on the laptop" in ran.out

    def edit(manifest):
        for sample in manifest["samples"]:
            for item in sample["detections"]["int8"]:
                item["label"] = "zebra"

    bundle_copy.change(edit)
    ran = device("verify", bundle_copy.folder)
    assert ran.code == 1
    assert "the laptop saw zebra" in ran.out
    assert "does not see what the laptop saw" in ran.error
