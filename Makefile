# Everything runs in .venv, which the first target that needs it creates.
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
STAMP  := $(VENV)/.installed
ARGS   ?=
PORT   ?=
BOARD  ?=
LONG   ?=
PORT_ARGS = $(if $(PORT),--port $(PORT))

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(STAMP): requirements-dev.txt requirements-typings.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.11 ...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(PY) -m tools.typings requirements-typings.txt build/typings
	@touch $@

.PHONY: run
run: $(STAMP) ## Run the box against the simulated plant, in real time, with a Modbus port at build/backupbox.tty
	@$(PY) -m tools.simulator $(ARGS)

.PHONY: demo
demo: $(STAMP) ## Play a day in a minute; writes build/demo.png
	@$(PY) -m tools.demo $(ARGS)

.PHONY: flash
flash: $(STAMP) ## Bring the firmware onto a Pico: PORT=/dev/ttyACM0, and BOARD=pico, pico_adc or bench
	@$(PY) -m tools.flash $(PORT_ARGS) $(if $(BOARD),--board $(BOARD)) $(ARGS)

.PHONY: erase
erase: $(STAMP) ## Remove the firmware from a Pico, keeping settings and log: PORT=... ARGS=--yes
	@$(PY) -m tools.flash --erase $(PORT_ARGS) $(ARGS)

.PHONY: repl
repl: $(STAMP) ## Open the console of a board: PORT=...
	@$(PY) -m tools.flash.repl $(PORT_ARGS)

.PHONY: log
log: $(STAMP) ## Show what a running box has to tell, without disturbing it: PORT=...
	@$(PY) -m tools.flash.log $(PORT_ARGS) $(ARGS)

.PHONY: check-board
check-board: $(STAMP) ## Check a board's relays, contacts, converters, RS485 and display, mains off: PORT=...
	@$(PY) -m tools.board_checks $(PORT_ARGS) $(ARGS)

.PHONY: emulate
emulate: $(STAMP) ## Test the flashed firmware on an emulated RP2040; LONG=1 takes the time it needs
	@$(PY) -m tools.emulator.fetch
	@LONG=$(LONG) $(PY) -m pytest host_tests/emulated $(ARGS)

.PHONY: test
test: check ## Lint, types, layers and all tests, on CPython and on MicroPython
	@echo "Portable tests on CPython:"
	@$(PY) -m pytest host_tests/unit host_tests/closed_loop $(ARGS)
	@echo "The same files on MicroPython:"
	@$(PY) -m host_tests.portable
	@echo "Tests of the host's own tools, random scenarios, serial port:"
	@$(PY) -m pytest host_tests/host $(ARGS)

.PHONY: check
check: $(STAMP) ## Lint, types, and generated documents up to date
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m mypy --config-file mypy-esp32.ini
	$(PY) -m tools.registers_doc --check

.PHONY: docs
docs: $(STAMP) ## Generate docs/registers.md and docs/registers.json from the register table
	$(PY) -m tools.registers_doc

.PHONY: bench
bench: $(STAMP) ## Print how fast the simulations run, and how quickly faults are noticed
	@$(PY) -m tools.bench $(ARGS)
	@echo
	@$(PY) -m tools.bench_detection
	@echo
	@$(PY) -m tools.bench_modbus
	@echo
	@$(PY) -m tools.bench_chip

.PHONY: clean
clean: ## Remove the virtual environment and everything built
	rm -rf $(VENV) build
