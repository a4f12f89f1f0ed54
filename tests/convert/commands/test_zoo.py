from __future__ import annotations

from convert.cli import main
from convert.models.zoo import MODELS


def test_zoo_lists_each_model_with_its_licence_and_its_sources(capsys):
    assert main(["zoo"]) == 0
    said = capsys.readouterr().out
    for model in MODELS.values():
        assert f"{model.name}\n  {model.title}; {model.licence}\n" in said
        for source in model.sources:
            assert f"  from {source}\n" in said
