"""What docs/fleet/ gives to Prometheus and Grafana, tried with the programs that read it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from itertools import chain

import pytest
from prometheus_client.parser import text_string_to_metric_families

from device.bundle.bundle import Bundle
from device.cameras.iterable import IterableCamera
from device.images import read_image
from device.inference.engine import Engine
from device.pipeline.history import History
from device.pipeline.pipeline import Pipeline
from device.records import LineState, SceneState, ZoneState
from device.system.board import State
from device.web.prometheus import exposition
from tests.conftest import ROOT

FLEET = ROOT / "docs" / "fleet"
# Grafana's own schema of a dashboard, as types, and what checks them.
GRAFANA_SCHEMA = ("@grafana/schema@13.2.3", "typescript@5.9.3")
PAGE = (ROOT / "docs" / "fleet.md").read_text("utf-8")
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)"
)


def promtool(folder, *words: str) -> str:
    done = subprocess.run(
        ["promtool", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_promtool
def test_prometheus_takes_the_configuration(tmp_path):
    folder = shutil.copytree(FLEET, tmp_path / "fleet")
    (folder / "token").write_text("secret\n")
    assert "SUCCESS" in promtool(folder, "check", "config", "prometheus.yml")


@needs_promtool
def test_every_alert_fires_when_it_should_and_not_before():
    promtool(FLEET, "test", "rules", "alerts_test.yml")


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not():
    alerts = set(re.findall(r"- alert: (\w+)", (FLEET / "alerts.yml").read_text()))
    cases = (FLEET / "alerts_test.yml").read_text()
    assert alerts == set(re.findall(r"alertname: (\w+)\n +exp_alerts:", cases))
    assert alerts == set(re.findall(r"\{eval_time: \w+, alertname: (\w+)\}", cases))


@pytest.fixture(scope="module")
def exposed(bundle_dir) -> set[str]:
    """Names of all series of a run that has everything to tell."""
    cat = read_image(bundle_dir / "samples" / "cat.jpg")
    pipeline = Pipeline(IterableCamera([cat]), Engine(Bundle(bundle_dir)), [])
    pipeline.run(None, threading.Event())
    history = History()
    zone = ZoneState(name="till", inside=1, entered=1, left=0, dwell_s=None, wait_s=1.0)
    history.scene = SceneState(
        time_s=0.0, zones=(zone,), lines=(LineState(name="door", ins=1, outs=0),), rules=("full",)
    )
    text = exposition(pipeline, history, State(None, None, None, 50.0, 0, None), 0).decode()
    families = text_string_to_metric_families(text)
    return {sample.name for family in families for sample in family.samples}


def dashboard_queries() -> list[str]:
    dashboard = json.loads((FLEET / "dashboard.json").read_bytes())
    return [item["expr"] for panel in dashboard["panels"] for item in panel["targets"]]


def asked_for(text: str) -> set[str]:
    return set(re.findall(r"\b(?:liteberry|process)_\w+", text))


def test_alerts_and_dashboard_ask_for_what_a_run_exposes(exposed):
    queries = dashboard_queries()
    alerts = re.findall(r"expr:(.*?)(?:for|labels):", (FLEET / "alerts.yml").read_text(), re.DOTALL)
    assert len(queries) >= 12
    assert asked_for(" ".join(chain(queries, alerts))) <= exposed


@needs_promtool
def test_prometheus_understands_what_the_dashboard_asks(tmp_path):
    known = {"$__rate_interval": "1m", "$pi": ".*"}  # as Grafana puts them in
    rules = []
    for number, query in enumerate(dashboard_queries()):
        for name, value in known.items():
            query = query.replace(name, value)
        assert "$" not in query
        rules.append({"record": f"panel:{number}", "expr": query})
    # JSON is YAML too.
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "all", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool(tmp_path, "check", "rules", "rules.yml")


@pytest.mark.installs
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_dashboard_is_one_by_the_schema_of_grafana(tmp_path):
    (tmp_path / "package.json").write_text("{}")
    install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *GRAFANA_SCHEMA]
    subprocess.run(install, cwd=tmp_path, check=True, capture_output=True)
    dashboard = (FLEET / "dashboard.json").read_text()
    texts = {
        "ours.ts": dashboard,
        # The check would notice: a word that the schema does not have, and a type that is another.
        "misspelt.ts": dashboard.replace('"gridPos"', '"gridpos"', 1),
        "mistyped.ts": dashboard.replace('"refresh": "30s"', '"refresh": 30'),
    }
    for name, text in texts.items():
        head = "import type { Dashboard } from '@grafana/schema';\n"
        (tmp_path / name).write_text(f"{head}export const dashboard: Dashboard = {text};\n")
    flags = ["--noEmit", "--strict", "--skipLibCheck", "--pretty", "false", "--module", "nodenext"]
    command = [tmp_path / "node_modules" / ".bin" / "tsc", *flags, *texts]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    complaints = re.findall(r"^(\w+\.ts)\(.* error ", done.stdout, re.MULTILINE)
    assert set(complaints) == {"misspelt.ts", "mistyped.ts"}, done.stdout + done.stderr


def test_page_names_every_metric_of_a_run(exposed):
    own = {re.sub(r"_(sum|count)$", "", name) for name in exposed if name.startswith("liteberry")}
    assert own == asked_for(PAGE) - {"liteberry_"}


def test_panels_of_the_dashboard_do_not_lie_on_each_other():
    panels = json.loads((FLEET / "dashboard.json").read_bytes())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for panel in panels
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24  # Grafana's columns


def test_targets_are_made_of_the_list_of_hosts(tmp_path):
    (command,) = re.findall(r"^sed -E .*$", PAGE, re.MULTILINE)
    (tmp_path / "pis.txt").write_text(
        "# mine\ngarden.local\npi@till-1.local  # by the door\n\npi@10.0.0.7:2222\npi@[fe80::1]\n"
    )
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    assert (tmp_path / "targets.yml").read_text().splitlines() == [
        '- targets: ["garden.local:8080"]',
        '- targets: ["till-1.local:8080"]',
        '- targets: ["10.0.0.7:8080"]',
        '- targets: ["[fe80::1]:8080"]',
    ]
