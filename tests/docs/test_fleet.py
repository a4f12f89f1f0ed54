"""What docs/fleet/ gives to Prometheus and Grafana, tried with the programs that read it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from itertools import chain

import pytest
from prometheus_client.parser import text_string_to_metric_families

import device.cli
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
from tests.helpers.children import start, wait_until
from tests.helpers.device_command import finish, spawn
from tests.helpers.mqtt import HOST, free_port
from tests.helpers.pages import Page, assert_settings_are_understood
from tests.helpers.simulated_pis import SimulatedPi, metrics, serving_pis

FLEET = ROOT / "docs" / "fleet"
# Grafana's own schema of a dashboard, as types, and what checks them.
GRAFANA_SCHEMA = ("@grafana/schema@13.2.3", "typescript@5.9.3")
PAGE = Page("fleet.md")
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
    assert own == asked_for(PAGE.text) - {"liteberry_"}


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
    command = PAGE.command("sed -E ")
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


@needs_promtool
def test_prometheus_asks_the_pis_of_the_list_with_their_token(tmp_path):
    """A folder made and a server started as the page says, but for ports and haste."""
    folder = tmp_path / "fleet"
    make = PAGE.command("mkdir -p")
    environment = {**os.environ, "HOME": str(tmp_path)}
    subprocess.run(["sh", "-euc", make], cwd=ROOT, env=environment, check=True)
    (folder / "token").write_text("open-sesame\n")
    (folder / "pis.txt").write_text(f"pi@{HOST}\n")
    settings = folder / "prometheus.yml"
    settings.write_text(settings.read_text().replace("15s", "1s"))
    check = PAGE.command("promtool check config p")
    assert PAGE.command("promtool test rules a") == "promtool test rules alerts_test.yml", "as above"
    pi, port = SimulatedPi(metrics("Garden"), token="open-sesame"), free_port()
    with serving_pis([pi]):
        targets = PAGE.command("sed -E ").replace("8080", str(pi.port))
        for command in (targets, check):
            subprocess.run(["sh", "-euc", command], cwd=folder, check=True, capture_output=True)
        words = [*shlex.split(PAGE.command("prometheus ")), "--storage.tsdb.path=data"]
        with (tmp_path / "said").open("w") as said:
            server = start([*words, f"--web.listen-address={HOST}:{port}"], cwd=folder, stderr=said)
            try:
                wait_until(lambda: pi.asked or server.poll() is not None)
            finally:
                server.kill()
                server.wait()
    assert pi.asked[0] == ("/metrics", "open-sesame"), (tmp_path / "said").read_text()


def test_hub_of_the_page_shows_the_pis_with_their_token(tmp_path):
    with serving_pis([SimulatedPi(metrics("Garden"), token="open-sesame")]) as (pi,):
        (tmp_path / "pis.txt").write_text(f"{pi.line}\n")
        tokens = PAGE.command("( umask").replace("TOKEN", "open-sesame")
        subprocess.run(["sh", "-euc", tokens], cwd=tmp_path, check=True)
        words = shlex.split(PAGE.command("python -m device hub"))[3:]
        words = [str(tmp_path / word) if word in ("pis.txt", "tokens") else word for word in words]
        child = spawn(*words, "--serve", f"{HOST}:0")
        try:
            assert child.stderr.readline().startswith("1 Pi to be seen at http://")
            wait_until(lambda: pi.asked)
        finally:
            child.terminate()
            assert finish(child).code == 0
    assert pi.asked[0] == ("/metrics", "open-sesame")


@pytest.mark.installs
def test_workers_of_dask_find_what_is_found_without_them(tmp_path, bundle_dir):
    """A scheduler and two workers by the page's commands: the figures are the same, digit by digit."""
    packages, port = tmp_path / "packages", free_port()
    install = ["install", "--quiet", "--target", packages, "distributed==2026.8.0"]
    subprocess.run([sys.executable, "-m", "pip", *install], check=True)
    environment = {**os.environ, "PYTHONPATH": str(packages)}
    there = f"tcp://{HOST}:{port}"
    scheduler = [*shlex.split(PAGE.command("python -m dask scheduler")), "--host", HOST, "--port", port]
    worker = shlex.split(PAGE.command("python -m dask worker").replace("tcp://HOST:8786", there))
    worker[worker.index("--nworkers") + 1] = "2"  # auto: as many as there are cores
    started = []
    try:
        for words in (scheduler, worker):
            command = [sys.executable, *words[1:], "--no-dashboard"]
            said = (tmp_path / f"said by {words[3]}").open("w")
            with said:
                started.append(start(command, cwd=ROOT, env=environment, stderr=said))
        wait_until(lambda: (tmp_path / "said by scheduler").read_text().count("Register worker") == 2)
        figures = []
        for extra in ([], ["--executor", there]):
            file = tmp_path / f"{len(extra)}.json"
            words = ["--images", bundle_dir / "samples", "--variants", "float32,int8", "--json", file]
            command = [sys.executable, "-m", "convert", "evaluate", bundle_dir, *words, *extra]
            subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
            figures.append(json.loads(file.read_text()))
    finally:
        for child in reversed(started):
            child.terminate()
            child.wait()
    assert figures[0] == figures[1]


@pytest.mark.parametrize("settings", PAGE.blocks("toml"))
def test_settings_are_understood(settings, tmp_path):
    assert_settings_are_understood(settings, tmp_path)


def test_every_command_of_the_page_is_one_that_a_test_runs():
    """Ansible's are run where the role is, in tests/deploy."""
    ran = ("sed -E ", "ansible-playbook ", "mkdir -p ", "python -m ", "( umask 077; ")
    assert [line for line in PAGE.commands if not line.startswith(ran)] == []
