# Thin on purpose: each target calls a script or a module. Everything made lies below .run/, which git ignores.
#
#   make run [CUSTOMERS=5000] [DAY=2] [FILES=folder:folder] [STANDINS=off]
#   make up | down | clean        leave it running with the UI | stop it | stop it and delete its state
#   make test [ARGS="-k name"]    make bench [ONLY=name]    make lint    make lock

PYTHON := .run/venv/bin/python
export CUSTOMERS DAY FILES STANDINS

.PHONY: help install run up down clean test bench lint lock
.NOTPARALLEL:

help:
	@sed -n 's/^#  *\(make .*\)/\1/p' Makefile

install:
	@bin/install

run up down clean: install
	@$(PYTHON) -m include.runtime $@

test: install
	@$(PYTHON) -m pytest $(ARGS)

bench: install
	@$(PYTHON) -m tests.bench --only "$(ONLY)"

lint: install
	@bin/lint

lock:
	@bin/lock
