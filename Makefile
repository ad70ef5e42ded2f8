# Every command a person types. `make` alone lists them.

ifneq ($(filter 3.%,$(MAKE_VERSION)),)
$(error this is make $(MAKE_VERSION), and 4 or later is needed; on macOS: brew install make, then type gmake instead of make)
endif

CHAPTER  ?=
EXERCISE ?=
ARGS     ?=
S        ?=
ONLY     ?=
SEED     ?=
WATCH    ?=
OUT      ?=

# CHAPTER=3 is 03.
override CHAPTER := $(patsubst %,0%,$(filter 1 2 3 4 5 6 7 8 9,$(CHAPTER)))$(filter-out 1 2 3 4 5 6 7 8 9,$(CHAPTER))

FOLDER   := $(notdir $(firstword $(wildcard chapters/$(or $(CHAPTER),none)-*)))
NAME     := $(FOLDER:$(CHAPTER)-%=%)
DESK     := work/$(FOLDER)
SHEET    := $(DESK)/$(if $(EXERCISE),examples/$(EXERCISE),src/main).rs
BOOK     := cargo run -q -p book --bin book --
GRADE    := cargo run -q -p grader --bin grade --
# ONLY=descriptors is 03.descriptors.
CHECK    := $(if $(findstring .,$(ONLY)),$(ONLY),$(CHAPTER).$(ONLY))
CHECKED  := $(if $(ONLY),--only $(CHECK)) $(if $(SEED),--seed $(SEED))
AGAIN    := make check CHAPTER=$(CHAPTER) ONLY={id} SEED={seed}

# A word for the shell, whatever is in it.
quoted    = '$(subst ','\'',$(1))'

# The longest first, so that none is left alone at the end.
LONG     := checks.zoo checks.subjects book.book grader.hostile grader.schools
TESTS    := $(LONG) $(filter-out $(LONG),$(subst /tests/,.,$(patsubst tests/%.rs,%,$(wildcard tests/*/tests/*.rs))))
CRATES   := common stage checks grader book
CHAPTERS := $(notdir $(wildcard chapters/*))
TESTED   := $(addprefix test-,$(TESTS) $(CHAPTERS) $(CRATES))

.PHONY: help tour session run start try progress check diff handin test lint book figures mistakes grade \
        student-edition gradescope zoo interop hosts capture bench cargo chapter exercise desk \
        $(TESTED)
.DEFAULT_GOAL := help

help:
	@echo 'Watch                                (the book: BOOK.md, or make book)'
	@echo '  make tour                          play the conversations of the book, live'
	@echo '                 FAST=1              … without pauses'
	@echo '  make session   S=2.2               play those of one section'
	@echo '  make run       CHAPTER=03 ARGS="server 7003"   run one program'
	@echo 'Write a chapter anew'
	@echo '  make start     CHAPTER=03          lay the starter on your desk, work/'
	@echo '                 EXERCISE=polling    … for an exercise of the book'
	@echo '  make check     CHAPTER=03          check what is on it'
	@echo '                 ONLY=echoes SEED=1 WATCH=1   one check; again at each save'
	@echo '  make try       CHAPTER=03 ARGS="server 44003"   run what is on it'
	@echo '  make progress                      which chapters are done'
	@echo '  make diff      CHAPTER=03          compare it with the reference'
	@echo '  make handin    CHAPTER=03          write it as a diff; OUT=alice.diff'
	@echo 'Test'
	@echo '  make test                          all tests, in about two minutes'
	@echo '  make lint                          formatting and lints'
	@echo '  make zoo                           every wrong and every hostile program'
	@echo '  make book                          the book as a page, target/book/BOOK.html'
	@echo '  make figures                       draw its figures'
	@echo '  make mistakes                      write the table of wrong programs and their checks'
	@echo 'Grade'
	@echo '  make grade     ARGS="--chapter 03 --program '"'python3 echo.py'"'"'
	@echo '                 ARGS="--diff alice.diff"        ARGS=--help shows all'
	@echo '  make student-edition OUT=DIR       starters instead of answers, for a class'
	@echo '  make gradescope CHAPTER=03 OUT=autograder.zip   the grader for Gradescope'
	@echo 'Beyond cargo                         (says which tools are missing)'
	@echo '  make interop                       against nc, curl, nginx, python3 …'
	@echo '  make hosts                         on three hosts of this machine; ssh (root)'
	@echo '  make capture   CHAPTER=05          play a session, show the wire'
	@echo '  make bench                         ratios, side by side; ONLY=tunnel'

# -- watch

tour: cargo
	@$(BOOK) tour

session: cargo
	@$(if $(S),,echo 'which section? make session S=2.2'; exit 2;) $(BOOK) session $(call quoted,$(S))

run: cargo chapter
	@cargo run -q -p $(NAME) -- $(ARGS)

# -- write a chapter anew; the reference never moves

define DESK_MANIFEST
[package]
name = "$(NAME)"
version = "0.1.0"
edition = "2024"

[dependencies]
common = { path = "../../common" }

[workspace]
endef
export DESK_MANIFEST

# Where the starter lies, it names the paths of the modules that are given. They are laid beside it.
STARTER := chapters/$(FOLDER)/starter.rs
GIVEN   := ^\#\[path = "src\/\([a-z]*\.rs\)

start: exercise
	@if [ -e $(SHEET) ]; then echo '$(SHEET) is there already; it is yours, so remove it yourself'; exit 1; fi
	@mkdir -p $(DESK)/src $(dir $(SHEET))
	@[ -e $(DESK)/src/main.rs ] || { sed '/$(GIVEN)/d' $(STARTER) > $(DESK)/src/main.rs; \
	    sed -n 's/$(GIVEN)"\]/\1/p' $(STARTER) | while read -r name; do \
	        cp chapters/$(FOLDER)/src/$$name $(DESK)/src/; done; }
	@[ -e $(SHEET) ] || sed 's/$(GIVEN)/#[path = "..\/src\/\1/' $(STARTER) > $(SHEET)
	@[ -e $(DESK)/Cargo.toml ] || echo "$$DESK_MANIFEST" > $(DESK)/Cargo.toml
	@echo 'Your program is in $(SHEET). Write it, then'
	@echo '  run it:    make try CHAPTER=$(CHAPTER)$(if $(EXERCISE), EXERCISE=$(EXERCISE)) ARGS=--help'
	@$(if $(EXERCISE),$(EXERCISES) | while read id words; do \
	        echo "  check it:  make check CHAPTER=$(CHAPTER) ONLY=$$id"; \
	        echo "             which starts it as: $$words"; done,\
	    echo '  check it:  make check CHAPTER=$(CHAPTER)')

# The ids of the exercise's checks; fails, with the names that there are, if there is none.
EXERCISES = $(GRADE) --chapter $(CHAPTER) --exercise $(call quoted,$(EXERCISE))

exercise: cargo chapter
	@$(if $(EXERCISE),$(EXERCISES) > /dev/null)

# The desk is a workspace of its own; what is built of it stays out of it.
ON_DESK = CARGO_TARGET_DIR=target/desk cargo $(1) -q --manifest-path $(DESK)/Cargo.toml

try: cargo desk
	@$(call ON_DESK,run)$(if $(EXERCISE), --example $(EXERCISE)) -- $(ARGS)

# Warnings, and errors, in a line each; then the checks.
define LOOK
touch $(DESK)/.checked; \
if said=$$($(call ON_DESK,check) --all-targets --message-format short 2>&1) && [ -z "$$said" ]; then :; else \
    echo "$$said"; \
    echo 'All that the compiler has to say:'; \
    echo '  cargo check --all-targets --manifest-path $(DESK)/Cargo.toml'; echo; \
fi; \
AGAIN='$(AGAIN)' $(GRADE) --dir $(DESK) --chapter $(CHAPTER) $(CHECKED); status=$$?; \
$(if $(ONLY),,if [ $$status -eq 0 ]; then echo passed; else echo failed; fi > $(DESK)/.result;) \
[ $$status -ne 0 ] || $(if $(ONLY),echo 'All of them: make check CHAPTER=$(CHAPTER)',echo 'Done. To hand it in: make handin CHAPTER=$(CHAPTER). What is next: make progress')
endef

check: cargo desk
	@if [ -n '$(WATCH)' ] && [ -t 1 ]; then printf '\033[H\033[2J'; fi; \
	$(LOOK); \
	while [ -n '$(WATCH)' ]; do \
	    echo 'waiting for a save, Ctrl-C ends'; \
	    until [ -n "$$(find $(DESK) -name '*.rs' -newer $(DESK)/.checked)" ]; do sleep 1; done; \
	    if [ -t 1 ]; then printf '\033[H\033[2J'; fi; \
	    $(LOOK); \
	done; exit $$status

progress:
	@for chapter in $(notdir $(wildcard chapters/*)); do \
	    number=$${chapter%%-*}; desk=work/$$chapter; \
	    case "$$(cat $$desk/.result 2> /dev/null)" in \
	    passed) how='all checks passed' ;; \
	    failed) how="some checks fail: make check CHAPTER=$$number" ;; \
	    *) if [ -e $$desk/src/main.rs ]; then how="not checked yet: make check CHAPTER=$$number"; \
	       else how="to be begun: make start CHAPTER=$$number"; fi ;; \
	    esac; \
	    if [ -e $$desk/.result ] && [ -n "$$(find $$desk -name '*.rs' -newer $$desk/.result)" ]; then \
	        how="$$how (changed since)"; fi; \
	    printf '%-19s %s\n' "$$chapter" "$$how"; \
	done

diff: cargo desk
	@$(GRADE) --chapter $(CHAPTER) --compare

handin: cargo desk
	@$(GRADE) --chapter $(CHAPTER) --hand-in $(call quoted,$(or $(OUT),$(DESK).diff))
	@echo hand in $(call quoted,$(or $(OUT),$(DESK).diff))
	@[ ! -d $(DESK)/examples ] || { echo 'It holds the chapter. Exercises are not graded, so it leaves out'; \
	    echo $(DESK)/examples; }

# -- test

# Built first, which keeps all processors busy; then tested side by side, because most of it waits.
test: cargo
	@echo 'Unit tests, then each chapter'"'"'s checks on its program, the book (listings, sessions,'
	@echo 'tables, links, figures), the zoo of wrong programs, and right programs of other styles.'
	@cargo test --workspace --no-run
	@cargo test -q -p checks --test zoo -- 'build without a warning'
	@$(MAKE) --no-print-directory --keep-going --output-sync=target -j6 $(TESTED)

# Without make's flags: cargo would look for make's jobs in them, and warn that it finds none.
CARGO_TEST = MAKEFLAGS= cargo test

$(TESTS:%=test-%): test-%:
	@$(CARGO_TEST) -p $(basename $*) --test $(subst .,,$(suffix $*))

$(CHAPTERS:%=test-%): test-%:
	@$(CARGO_TEST) --manifest-path chapters/$*/Cargo.toml

$(CRATES:%=test-%): test-%:
	@$(CARGO_TEST) -p $* --lib --bins

lint: cargo
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets -- -D warnings

zoo: cargo
	@ZOO=all cargo test -p grader -p checks --no-fail-fast --test zoo --test subjects --test hostile --test fuzz

book: cargo
	@$(BOOK) page target/book

figures: cargo
	@$(BOOK) figures

mistakes: cargo
	@MISTAKES=write cargo test -q -p checks --test mistakes

# -- grade

grade: cargo
	@$(GRADE) $(or $(ARGS),--help)

student-edition: cargo
	@$(if $(OUT),,echo 'where to? make student-edition OUT=DIR'; exit 2;) \
	$(GRADE) --student-edition $(call quoted,$(OUT))
	@echo wrote $(call quoted,$(OUT)): the starters, the checks, no answers\; what is handed in is a git diff of it

# What is committed, with its two scripts where Gradescope looks for them.
gradescope: chapter
	@$(if $(OUT),,echo 'where to? make gradescope CHAPTER=$(CHAPTER) OUT=autograder.zip'; exit 2;) \
	git archive -h 2>&1 | grep -q add-virtual-file || { \
	    echo "make gradescope needs git 2.38 or later; this is $$(git --version)"; exit 1; }; \
	git -c core.autocrlf=false archive --format=zip --add-file=tests/grader/schools/setup.sh \
	    --add-file=tests/grader/schools/run_autograder --add-virtual-file=chapter:$(CHAPTER) \
	    --output=$(call quoted,$(OUT)) HEAD
	@echo wrote $(call quoted,$(OUT))

# -- beyond cargo

interop: cargo
	@$(BOOK) sessions --book tests/interop/README.md
	@sh tests/interop/hosts.sh
	@sh tests/interop/capture.sh 05
	@for tool in nginx curl nc nc.traditional ncat socat telnet sshd ip tcpdump tshark; do command -v $$tool > /dev/null || \
	    { echo 'what is missing comes with'; sed -n '/^    apt/,/^$$/p' tests/interop/README.md; break; }; done

hosts: cargo
	@sh tests/interop/hosts.sh

capture: cargo chapter
	@sh tests/interop/capture.sh $(CHAPTER)

bench: cargo
	@cargo bench -q -p checks --bench ratios -- $(ONLY)

# -- what the others need

cargo:
	@command -v cargo > /dev/null || { echo 'make: cargo is missing: get Rust from https://rustup.rs'; exit 1; }

chapter:
	@[ -n '$(FOLDER)' ] || { echo 'which chapter? CHAPTER=01 … 09'; exit 2; }

desk: chapter
	@[ -d $(DESK) ] || { echo 'nothing on your desk yet: make start CHAPTER=$(CHAPTER)'; exit 1; }
