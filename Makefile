# Sets up the environment and runs the everyday commands; `make help` lists them.
# Plain POSIX sh and GNU make 3.81, so that macOS's own tools run it.

.DEFAULT_GOAL := help
.PHONY: help env demo demo-action demo-detection test lint clean

# The first Python that runs and is supported. Each candidate is started, because a pyenv shim can
# be on the PATH and still fail. Without one, python3 says in setup_env.py what is wrong with it.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python3.10; do \
	if $$python -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
	then echo $$python; exit; fi; done; echo python3)
# What installs the packages: uv, pip, or auto (uv when it is on the PATH).
INSTALLER ?= auto
# So many networks of the demo are trained, and so many tests are run, at a time, each on one core.
JOBS ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

VENV_PYTHON = .venv/bin/python
DEMO_DIR = work_dirs/demo
# There is a RANet, too: make demo DEMO_PICTURES="dyn-perceiver_regnety-tiny_digits ranet-tiny_digits"
DEMO_PICTURES = dyn-perceiver_regnety-tiny_digits msdnet-tiny_digits resnet18-narrow_digits
DEMO_VIDEOS = dyn-perceiver_tsm-regnety-tiny_clips tsm-resnet18-narrow_clips
DEMO_DETECTORS = retinanet_dyn-perceiver-regnety-tiny_scenes retinanet_regnety-tiny_scenes
DEMO_MODELS = $(DEMO_PICTURES) $(DEMO_VIDEOS) $(DEMO_DETECTORS)

# Trains the models $(1), several at a time.
demo_training = $(MAKE) --no-print-directory -j $(JOBS) $(1:%=train-%)

# Times the models $(1) and draws them in the folder $(2).
demo_pairs = $(foreach model,$(1),configs/demo/$(model).py $(DEMO_DIR)/$(model))
demo_curve = $(VENV_PYTHON) tools/budget_curve.py $(demo_pairs) --risk 0.02 0.1 --jobs $(JOBS) \
	--out $(2) --overwrite
define demo_report
	$(demo_curve)
	$(VENV_PYTHON) tools/benchmark.py $(demo_pairs) --tables $(2) --threads 1 --seconds 2 \
		--out $(2).latency.json --overwrite
	$(demo_curve) --reuse-tables --latency $(2).latency.json
endef

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-15s %s\n", $$1, $$2}' Makefile

env: ## Create or renew .venv, unless it is up to date
	@python="$(PYTHON)"; "$$python" -c '' 2>/dev/null || { \
		echo "error: '$$python' does not run. Install Python 3.10 to 3.13 (Debian and Ubuntu:" \
			"apt install python3 python3-venv), or name yours: make env PYTHON=/path/to/python3" >&2; \
		exit 1; }; \
	"$$python" tools/setup_env.py --installer "$(INSTALLER)"

demo: env ## Train small networks on pictures, videos and scenes, time them, draw their curves
	$(call demo_training,$(DEMO_VIDEOS) $(DEMO_DETECTORS) $(DEMO_PICTURES))
	$(call demo_report,$(DEMO_MODELS),$(DEMO_DIR)/report)

demo-action: env ## The part of the demo about action recognition in videos
	$(call demo_training,$(DEMO_VIDEOS))
	$(call demo_report,$(DEMO_VIDEOS),$(DEMO_DIR)/report-action)

demo-detection: env ## The part of the demo about object detection
	$(call demo_training,$(DEMO_DETECTORS))
	$(call demo_report,$(DEMO_DETECTORS),$(DEMO_DIR)/report-detection)

# Detectors begin with the backbone of the demo's classifier.
$(DEMO_DETECTORS:%=train-%): train-dyn-perceiver_regnety-tiny_digits

train-%:
	@mkdir -p $(DEMO_DIR)
	@echo "training $*; its log is $(DEMO_DIR)/$*.log"
	@OMP_NUM_THREADS=1 $(VENV_PYTHON) tools/train.py configs/demo/$*.py --work-dir $(DEMO_DIR)/$* \
		--no-validate --overwrite > $(DEMO_DIR)/$*.log 2>&1 || \
		{ tail -n 15 $(DEMO_DIR)/$*.log; echo "training $* failed: see $(DEMO_DIR)/$*.log" >&2; exit 1; }
	@echo "trained $*"

test: env ## Run the tests
	$(VENV_PYTHON) -m pytest -n $(JOBS) --maxprocesses 4 --dist worksteal

lint: env ## Check style and formatting
	$(VENV_PYTHON) -m ruff check
	$(VENV_PYTHON) -m ruff format --check

clean: ## Remove .venv, builds and caches (work_dirs/ stays)
	rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
