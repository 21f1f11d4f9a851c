# make build     build/lib/libflip.so, build/lib/pkgconfig/flip.pc, build/include/flip.h, build/bin/flip
# make test      the Swift, C, Python and R suites
# make demo      a whole training on simulated hospital admissions
# make bench     ours beside PyTorch and Opacus, one JSON object a line
# make setup     what the above need beyond Swift: Debian packages, .venv     make install PREFIX=/usr/local     make clean

PREFIX ?= /usr/local
PYTHON ?= .venv/bin/python
SWIFT ?= swift
export SWIFT
VERSION := 1.0.0
HERE := $(CURDIR)

# The shipped library carries its Swift runtime; tests cannot be built that way, hence a scratch folder of its own.
SHIP := $(SWIFT) build -c release --disable-local-rpath --scratch-path .build-ship -Xswiftc -static-stdlib -Xswiftc -use-ld=lld
MAP := -Xlinker --version-script=$(HERE)/Sources/FLIP/flip.map -Xlinker -soname=libflip.so.1 -Xlinker -z -Xlinker nodelete \
       -Xlinker --gc-sections

.PHONY: build test demo bench setup install uninstall clean header-symbols

build: .build-ship/system
	$(SHIP) $(MAP) --product flip
	$(SHIP) --product flip-cli
	@mkdir -p build/lib/pkgconfig build/include build/bin
	@install -m 644 include/flip.h build/include/flip.h
	@strip --strip-unneeded -o build/lib/libflip.so.1.new .build-ship/release/libflip.so && mv build/lib/libflip.so.1.new build/lib/libflip.so.1
	@ln -sfn libflip.so.1 build/lib/libflip.so
	@strip -o build/bin/flip.new .build-ship/release/flip-cli && mv build/bin/flip.new build/bin/flip
	@$(call pc,$(HERE)/build) > build/lib/pkgconfig/flip.pc
	@echo "build/lib/libflip.so  build/include/flip.h  build/lib/pkgconfig/flip.pc  build/bin/flip"

# $(call pc,PREFIX): the pkg-config file for that prefix.
pc = printf '%s\n' 'prefix=$(1)' 'libdir=$${prefix}/lib' 'includedir=$${prefix}/include' '' 'Name: flip' \
     'Description: private generators for tables' 'Version: $(VERSION)' 'Cflags: -I$${includedir}' 'Libs: -L$${libdir} -lflip'

# What a build needs, installed once; `make setup` looks again.
.build-ship/system:
	./.ci/setup build
	@mkdir -p .build-ship && touch $@

setup:
	./.ci/setup build test
	@mkdir -p .build-ship && touch .build-ship/system

test: setup build
	PYTHON="$(PYTHON)" $(PYTHON) Tests/run_all

demo: .build-ship/system build
	PYTHONPATH=bindings/python $(or $(wildcard $(PYTHON)),python3) examples/python/demo.py

bench: build
	$(SHIP) --product flip-bench
	FLIP_BENCH=.build-ship/release/flip-bench PYTHON="$(PYTHON)" $(or $(wildcard $(PYTHON)),python3) Benchmarks/bench.py

install: build
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/bin
	install -m 755 build/lib/libflip.so.1 $(DESTDIR)$(PREFIX)/lib/libflip.so.1
	ln -sfn libflip.so.1 $(DESTDIR)$(PREFIX)/lib/libflip.so
	install -m 644 include/flip.h $(DESTDIR)$(PREFIX)/include/flip.h
	install -m 755 build/bin/flip $(DESTDIR)$(PREFIX)/bin/flip
	$(call pc,$(PREFIX)) > $(DESTDIR)$(PREFIX)/lib/pkgconfig/flip.pc

uninstall:
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/,lib/libflip.so lib/libflip.so.1 include/flip.h bin/flip lib/pkgconfig/flip.pc)

clean:
	rm -rf build .build .build-ship
