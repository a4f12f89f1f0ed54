# Everything a newcomer types. Targets make their own .venv from a Python 3.11, 3.12 or 3.13 with
# its venv module: the best that is installed (requirements/find_python.sh), or `make PYTHON=...`.
PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
BUILD := build
MODEL := ssdlite_mobilenet_v2
BUNDLE := $(BUILD)/$(MODEL)
DEMO := $(BUILD)/demo
DEMO_FRAMES := 300

.DEFAULT_GOAL := help
.PHONY: help demo demo-train check-demo test test-long test-pages test-shuffled test-device test-installs test-deploy test-pi test-pi-32 test-pi-cuts test-systemd test-cameras test-fuzz test-endurance check bench bench-arm bench-arm-update figures lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Asked for by name, a Python is looked at each time: .venv may be of another.
$(VENV)/installed: $(wildcard requirements/laptop-*.txt requirements/*.sh) $(if $(PYTHON),FORCE)
	@requirements/make_venv.sh $(VENV) $(PYTHON)
FORCE:

# Whatever a bundle may depend on: every module of both packages, for `convert` runs `device`'s.
SOURCES := $(shell find convert device -name '*.py') $(wildcard datasets/*)
$(BUNDLE)/manifest.json: $(VENV)/installed $(SOURCES)
	@$(BIN)/python -m convert build $(MODEL) --out $(BUNDLE) >/dev/null # its table ends the demo

demo: $(BUNDLE)/manifest.json ## from published weights to an annotated video and a table of costs
	@rm -f $(DEMO)/detections.jsonl
	@$(BIN)/python -m device detect $(BUNDLE) --variant int8 --source demo --frames $(DEMO_FRAMES) \
	  --output $(DEMO)/annotated.mp4 --log $(DEMO)/detections.jsonl
	@$(BIN)/python -m device info $(BUNDLE)
	@echo "Now look at $(DEMO)/annotated.mp4; every detection is in $(DEMO)/detections.jsonl"

demo-train: $(VENV)/installed ## train for two minutes on shapes that the demo draws, and show them found
	@$(BIN)/python -m convert.training.drawn build/shapes
	@$(BIN)/python -m convert train build/shapes --out build/shapes-detector --minutes 2
	@$(BIN)/python -m device detect build/shapes-detector --source build/shapes/test --output build/demo-train
	@echo "Now look at build/demo-train: discs, squares and triangles with their boxes"

check-demo: demo ## look at what the demo left, with a program's eyes
	@LITEBERRY_DEMO=$(DEMO) $(BIN)/python -m pytest -m demo_outputs tests/test_demo_outputs.py

# In the order they are collected: what converts takes longest, and comes first.
TWO_AT_A_TIME := --numprocesses 2 --dist loadfile --no-loadscope-reorder

test: $(VENV)/installed ## the test suite (about 5 minutes on 2 quiet cores)
	@$(BIN)/python -m pytest $(TWO_AT_A_TIME)

test-long: $(VENV)/installed ## whole conversions, trainings, evaluations and counts (4 minutes)
	@$(BIN)/python -m pytest $(TWO_AT_A_TIME) -m long tests/convert

test-pages: $(VENV)/installed ## the live page, the past, reports and benchmarks in Chromium (2 minutes)
	@$(BIN)/python -m pytest $(TWO_AT_A_TIME) -m pages tests

test-shuffled: $(VENV)/installed ## the same in an order of chance, which it names
	@$(BIN)/python -m pytest -p tests.helpers.random_order $(TWO_AT_A_TIME)

DEVICE_TESTS := tests/device tests/architecture
test-device: $(BUNDLE)/manifest.json ## the device's part of it alone, on the demo's bundle (3 minutes)
	@LITEBERRY_TEST_BUNDLE=$(BUNDLE) $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --exitfirst $(DEVICE_TESTS)

test-installs: $(BUNDLE)/manifest.json ## tests that install packages of their own, where they do no harm
	@$(DEPLOYED) -m installs tests/device tests/docs

# As many damaged files for each reader; FUZZ_RANDOM=1 looks for others than last time.
FUZZ ?= 250
test-fuzz: $(BUNDLE)/manifest.json ## damaged files for every reader, in 500 MB of memory (2 minutes; FUZZ=100000 FUZZ_RANDOM=1 for a night)
	@LITEBERRY_FUZZ_EXAMPLES=$(FUZZ) $(if $(FUZZ_RANDOM),LITEBERRY_FUZZ_RANDOM=1) $(DEPLOYED) tests/device/fuzz

# As many kills and full disks, and five times as many losses of each camera: of USB cameras by
# `make test-cameras RUNS=...`.
RUNS ?= 8
test-endurance: $(BUNDLE)/manifest.json ## kills, full disks and lost cameras (4 minutes; RUNS=200 for hours)
	@LITEBERRY_RUNS=$(RUNS) $(DEPLOYED) -m endurance tests/endurance

test-cameras: $(VENV)/installed ## USB cameras, on the kernel's test camera in an emulated machine (2 minutes)
	@$(if $(filter command line,$(origin RUNS)),LITEBERRY_RUNS=$(RUNS)) tests/emulated/v4l2/run.sh

# The demo's bundle is as good as another for these, and saves building one each time.
DEPLOYED := LITEBERRY_TEST_BUNDLE=$(BUNDLE) $(BIN)/python -m pytest --timeout 1800

test-deploy: $(BUNDLE)/manifest.json ## many deployments to a host on this machine, cut at every step, or with its disk full (6 minutes)
	@$(DEPLOYED) --numprocesses 2 --dist loadfile -m deployments tests/deploy

test-pi: $(BUNDLE)/manifest.json ## deploy to Raspberry Pis by emulation (needs root and qemu-user-static; 8 minutes)
	@$(DEPLOYED) -m emulated_pi tests/emulated/pi

test-pi-32: $(BUNDLE)/manifest.json ## deploy to a 32-bit Raspberry Pi by emulation, where msgspec is compiled
	@$(DEPLOYED) -m emulated_pi_32 tests/emulated/pi

test-pi-cuts: $(BUNDLE)/manifest.json ## the same on 64 bits, cut at every request, and a fleet by Ansible (an hour)
	@$(DEPLOYED) -s -m endurance tests/emulated/pi

test-systemd: $(BUNDLE)/manifest.json ## the service under a real systemd, in an emulated machine (needs root and qemu-system-arm; 12 minutes)
	@$(DEPLOYED) -m emulated_systemd tests/emulated/systemd

check: $(VENV)/installed ## lint, types and shell scripts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy & linux=$$!; \
	  $(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin; darwin=$$?; \
	  wait $$linux && exit $$darwin # nothing that only Linux has, without a way out
	@if command -v shellcheck >/dev/null; then shellcheck .ci/run deploy.sh device/system/templates/launcher $$(find benchmarks docs requirements device convert tests -name '*.sh'); \
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

# Wheels only, so that nobody needs a compiler; of imutils there is none, but it is pure Python.
# The C libraries are those of the oldest systems that have all wheels: glibc 2.28, on Arm 2.34.
UV_COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --generate-hashes --no-header --no-annotate \
  --only-binary :all: --no-binary imutils
# A Pi that tells a home what it sees gets a lock of its own: what others would not use stays out.
PIS := bookworm=3.11,2_36 trixie=3.13,2_40
# uv knows no 32-bit Arm; what it resolves for 64 bits has wheels for 32, or is compiled (msgspec).
# What Debian brings there is left out.
OF_32_BITS := --no-binary msgspec --python-version 3.11 --python-platform aarch64-manylinux_2_36 \
  $(foreach package,numpy opencv-python-headless pyyaml,--no-emit-package $(package))
LAPTOPS := linux-x86_64=x86_64-manylinux_2_28 linux-aarch64=aarch64-manylinux_2_34 macos-arm64=aarch64-apple-darwin
lock: $(VENV)/installed ## resolve requirements/ anew from pyproject.toml (UPGRADE=--upgrade for newer versions)
	for python in 3.11 3.12 3.13; do for laptop in $(LAPTOPS); do \
	  $(UV_COMPILE) $(UPGRADE) --extra laptop --extra dev --python-version $$python \
	    --python-platform $${laptop#*=} -o requirements/laptop-$$python-$${laptop%=*}.txt || exit; \
	done; done
	for home in "" "-home --extra mqtt --extra notify"; do for pi in $(PIS); do \
	  python=$${pi#*=}; \
	  $(UV_COMPILE) $(UPGRADE) --extra pi $${home#-home} --python-version $${python%,*} \
	    --python-platform aarch64-manylinux_$${python#*,} -o requirements/pi-$${pi%=*}$${home%% *}.txt || exit; \
	done; done
	for home in "" "-home --extra mqtt --extra notify"; do \
	  $(UV_COMPILE) $(UPGRADE) --extra pi32 $${home#-home} $(OF_32_BITS) \
	    --constraint requirements/pi-bookworm.txt -o requirements/pi-bookworm-32$${home%% *}.txt || exit; \
	done

clean: ## remove what was built and .venv (downloaded weights stay in the cache)
	rm -rf $(BUILD) $(VENV)
