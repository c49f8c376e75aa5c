# make check: formatting, vet, staticcheck, import table, generated assembly. .ci/run is everything.
GO ?= go
CONCURRENT = ./pipeline/... ./webdataset/... ./viewshard/... ./trainer/... ./experiment/... ./internal/team/...

.PHONY: build test purego race asm check fuzz bench

build:
	$(GO) build ./...

test:
	$(GO) test ./...

purego:
	$(GO) vet -tags purego ./...
	$(GO) test -tags purego ./internal/simd/... ./crop/... ./colorjitter/... ./trainer/...

# The race detector needs cgo and a C compiler.
race:
	CGO_ENABLED=1 $(GO) test -race -short $(CONCURRENT)
	CGO_ENABLED=1 $(GO) test -race -short -run TestParallelCells ./ablate

# Regenerates the assembly; git diff --exit-code then shows whether it was current.
asm:
	cd internal/simd/_asm && $(GO) vet . && $(GO) test . && $(GO) run .

check:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	GOARCH=arm64 $(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) test -run TestImportTable .
	$(MAKE) asm && git diff --exit-code -- internal/simd

# Fixed counts, so that a run is the same everywhere.
FUZZTIME ?= 20000x
fuzz:
	@for p in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p 2>/dev/null | grep '^Fuzz'); do \
	    echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$p || exit 1; \
	  done; done

bench:
	$(GO) test -run '^$$' -bench . ./internal/simd/... ./crop/... ./colorjitter/... ./internal/jpeg/... ./views/...
