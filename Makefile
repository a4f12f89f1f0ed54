# Everything a newcomer types. Targets make their own .venv from a plain Python 3.11 with pip.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
MODEL := ssdlite_mobilenet_v2
BUNDLE := build/$(MODEL)
DEMO_FRAMES := 300

.DEFAULT_GOAL := help
.PHONY: help demo check-demo test test-installs test-deploy test-pi test-systemd test-cameras check bench bench-arm bench-arm-update figures lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The stamp is written last, so an interrupted installation is simply taken up again.
$(VENV)/installed: requirements/laptop.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || \
	  { echo "make: $(PYTHON) is not Python 3.11; install it (python3.11 python3.11-venv), or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Installing what the laptop side needs into $(VENV) (TensorFlow among it: a minute or two)"
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $< # it names all
	@touch $@

$(BUNDLE)/manifest.json: $(VENV)/installed $(wildcard convert/*.py datasets/*)
	@$(BIN)/python -m convert build $(MODEL) --out $(BUNDLE) >/dev/null # its table ends the demo

demo: $(BUNDLE)/manifest.json ## from published weights to an annotated video and a table of costs
	@rm -f build/demo/detections.jsonl
	@$(BIN)/python -m device detect $(BUNDLE) --variant int8 --source demo --frames $(DEMO_FRAMES) \
	  --output build/demo/annotated.mp4 --log build/demo/detections.jsonl
	@$(BIN)/python -m device info $(BUNDLE)
	@echo "Now look at build/demo/annotated.mp4; every detection is in build/demo/detections.jsonl"

check-demo: demo ## look at what the demo left, with a program's eyes
	@$(BIN)/python -m pytest -m demo_outputs tests/test_demo_outputs.py

test: $(VENV)/installed ## the test suite (about 8 minutes on 2 cores)
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

test-installs: $(VENV)/installed ## tests that install packages that clash, where they do no harm
	@$(BIN)/python -m pytest -m installs tests/device/doctor

test-cameras: $(VENV)/installed ## USB cameras, on the kernel's test camera in an emulated machine (2 minutes)
	@tests/emulated/v4l2/run.sh

# The demo's bundle is as good as another for these, and saves building one each time.
DEPLOYED := LITEBERRY_TEST_BUNDLE=$(BUNDLE) $(BIN)/python -m pytest --timeout 1800

test-deploy: $(BUNDLE)/manifest.json ## many deployments to a host on this machine, cut at every step, or with its disk full (6 minutes)
	@$(DEPLOYED) --numprocesses 2 --dist loadfile -m deployments tests/deploy

test-pi: $(BUNDLE)/manifest.json ## deploy to Raspberry Pis by emulation (needs root and qemu-user-static; 8 minutes)
	@$(DEPLOYED) -m emulated_pi tests/emulated/pi

test-systemd: $(BUNDLE)/manifest.json ## the service under a real systemd, in an emulated machine (needs root and qemu-system-arm; 12 minutes)
	@$(DEPLOYED) -m emulated_systemd tests/emulated/systemd

check: $(VENV)/installed ## lint, types and shell scripts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@if command -v shellcheck >/dev/null; then shellcheck .ci/run deploy.sh $$(find benchmarks device convert tests -name '*.sh'); \
	  else echo "shellcheck is not installed (apt install shellcheck): the scripts were not checked"; \
	    test -z "$$CI"; fi

bench: $(BUNDLE)/manifest.json ## measure this machine, in ratios to other loops and earlier code
	@benchmarks/run.sh $(BUNDLE)

bench-arm: $(BUNDLE)/manifest.json ## count Arm instructions under emulation, against the committed counts
	@$(BIN)/python -m convert.arm $(BUNDLE)

bench-arm-update: $(BUNDLE)/manifest.json ## write the counts as they are now, to be committed
	@$(BIN)/python -m convert.arm $(BUNDLE) --update

figures: $(VENV)/installed ## the table of figures in docs/speed.md from the files in benchmarks/
	@$(BIN)/python benchmarks/figures.py

UV_COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --generate-hashes --no-header --no-annotate
lock: $(VENV)/installed ## resolve requirements/ anew from pyproject.toml (UPGRADE=--upgrade for newer versions)
	$(UV_COMPILE) $(UPGRADE) --extra laptop --extra dev --python-version 3.11 --universal -o requirements/laptop.txt
	$(UV_COMPILE) $(UPGRADE) --extra pi --python-version 3.11 --python-platform aarch64-manylinux_2_36 -o requirements/pi-bookworm.txt
	$(UV_COMPILE) $(UPGRADE) --extra pi --python-version 3.13 --python-platform aarch64-manylinux_2_40 -o requirements/pi-trixie.txt

clean: ## remove build/ and .venv (downloaded weights stay in the cache)
	rm -rf build $(VENV)
