# The commands behind these are in script/, which need no make.
STATICCHECK = go run honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME ?= 30s
# How many random inputs of each kind our string and table functions and stock Lua's get.
CASES ?= 250000
# make build VERSION=1.2.3 sets the version; without it the build names itself.
VERSION ?=

.PHONY: build run test lint bench fuzz asan apicheck install

build:
	@script/setup
	@script/build "$(VERSION)"

run:
	@script/run

test:
	@script/test

lint:
	@script/setup
	@test -z "$$(gofmt -l . | tee /dev/stderr)"
	go vet ./...
	$(STATICCHECK) ./...
	go mod tidy -diff

bench:
	@script/setup
	@script/build "$(VERSION)"
	go run ./bench

fuzz:
	@script/setup
	@script/fuzz $(FUZZTIME)
	@script/differential $(CASES)

asan:
	@script/setup
	@script/asan

apicheck:
	@script/setup
	@script/apicheck

# The binary goes where go install would put it.
install: build
	@dir="$$(go env GOBIN)"; dir="$${dir:-$$(go env GOPATH | cut -d: -f1)/bin}"; \
	mkdir -p "$$dir" && install -m 755 bin/alc "$$dir/alc" && echo "installed $$dir/alc"
